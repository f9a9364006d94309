import { formatPlatform } from '../../core/oci/platform.ts';
import { formatReference } from '../../core/oci/reference.ts';
import { counted } from '../../core/text.ts';
import type { Adoptable, Appraisal, Unidentified } from '../../publisher/adoption/appraisal.ts';
import { countFlaws } from '../../publisher/adoption/appraisal.ts';
import { FLAWS } from '../../publisher/adoption/flaws.ts';
import type { ImageResult } from '../../publisher/image/events.ts';

/** What became of a repository that was to be adopted. */
export interface AdoptionReport {
  readonly repository: string;
  readonly isDryRun: boolean;
  readonly appraisal: Appraisal;
  /** By the public name of the image; empty in a dry run. */
  readonly results: ReadonlyMap<string, ImageResult>;
}

/** Tables of what was wrong and of what is left, for people. */
export function adoptionText(report: AdoptionReport): string {
  const { repository, isDryRun, appraisal, results } = report;
  const { images, others } = appraisal;
  const flawed = images.filter(({ flaws }) => flaws.length > 0);
  const found = `${repository}: ${counted(images.length + others.length, 'image')}`;
  const ours = `${images.length - flawed.length} unpackd's`;
  const lines = [`${found}, of which ${ours}, ${flawed.length + pinnedOf(others).length} to adopt`];
  for (const [kind, count] of countFlaws(appraisal))
    lines.push(`${String(count).padStart(7)}  ${kind.padEnd(19)}  ${FLAWS[kind]}`);
  if (!isDryRun) lines.push(outcomeText(results));
  const left = others.filter(({ pinned }) => pinned === undefined);
  if (left.length > 0) lines.push('left as they are, since no manifest says what they are:');
  for (const { name, madeBy } of left) lines.push(`  ${name}${MADE_BY[madeBy]}`);
  return `${lines.join('\n')}\n`;
}

const MADE_BY = {
  ducc: ' (of DUCC)',
  osg: ' (of the OSG)',
  unknown: '',
} as const satisfies Record<Unidentified['madeBy'], string>;

function pinnedOf(others: readonly Unidentified[]): Unidentified[] {
  return others.filter(({ pinned }) => pinned !== undefined);
}

function outcomeText(results: AdoptionReport['results']): string {
  const failed = [...results.values()].filter(({ outcome }) => outcome === 'failed').length;
  const rest = failed === 0 ? '' : `; ${failed} stay as they were`;
  return `${counted(results.size - failed, 'image')} adopted${rest}`;
}

/** Everything, image by image, for programs. */
export function adoptionDocument({ repository, isDryRun, appraisal, results }: AdoptionReport): object {
  return {
    repository,
    dryRun: isDryRun,
    flaws: Object.fromEntries(countFlaws(appraisal)),
    images: [
      ...appraisal.images.map((one) => identifiedDocument(one, results)),
      ...appraisal.others.map((one) => unidentifiedDocument(one, results)),
    ],
  };
}

function identifiedDocument({ image, flaws }: Adoptable, results: AdoptionReport['results']): object {
  const { publicName: name, platform, reference, outputs } = image;
  return {
    name,
    platform: formatPlatform(platform),
    image: formatReference(reference),
    outputs: [...outputs],
    ...(flaws.length === 0 ? { outcome: 'unchanged' } : outcomeDocument(results.get(name))),
    flaws,
  };
}

function unidentifiedDocument(
  { name, madeBy, pinned, flaws }: Unidentified,
  results: AdoptionReport['results'],
): object {
  if (pinned === undefined) return { name, madeBy, outcome: 'left', flaws };
  const image = formatReference(pinned);
  return { name, madeBy, image, ...outcomeDocument(results.get(image)), flaws };
}

function outcomeDocument(result: ImageResult | undefined): object {
  if (result === undefined) return { outcome: 'to-adopt' };
  if (result.outcome !== 'failed') return { outcome: 'adopted' };
  const { code, message, hint } = result;
  return { outcome: 'failed', code, message, hint };
}
