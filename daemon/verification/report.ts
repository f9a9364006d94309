import { withHint } from '../../core/failure.ts';
import { groupBy } from '../../core/group-by.ts';
import { displayPath } from '../../core/system/byte-path.ts';
import { counted, localTime, printable } from '../../core/text.ts';
import { failureText } from '../../publisher/image/events.ts';
import { indentedText } from '../output/format.ts';
import { problemDocument } from '../output/results.ts';
import { differenceText, type VerifiedImage } from './verifier.ts';

/** What verification of one repository came to. */
export interface VerificationReport {
  readonly repository: string;
  readonly isDeep: boolean;
  /** Number of images that were looked at. */
  readonly verified: number;
  /** Those that are not simply sound. */
  readonly images: readonly VerifiedImage[];
}

type Outcome = 'damaged' | 'repaired' | 'unknown';

/** Something may be wrong with an image and something else not be known: what is wrong counts. */
export function outcomeOf({ findings, more, isRepaired }: VerifiedImage): Outcome {
  if (findings.length + more === 0) return 'unknown';
  return isRepaired ? 'repaired' : 'damaged';
}

/** A line for each image that is not simply sound, with what is wrong below it, and one for all. */
export function reportText({ repository, verified, images }: VerificationReport): string {
  const counts = groupBy(images, outcomeOf);
  const parts = [
    ['damaged', 'damaged'],
    ['repaired', 'repaired'],
    ['unknown', 'not known for certain'],
  ] as const;
  const told = parts.flatMap(([outcome, text]) => {
    const count = counts.get(outcome)?.length ?? 0;
    return count === 0 ? [] : [`${count} ${text}`];
  });
  const summary = `${counted(verified, 'image')} verified in ${repository}: ${told.join(', ') || 'all sound'}`;
  return indentedText([...images.flatMap(linesOf), summary]);
}

/** Times are in ms since 1970. */
export function reportDocument({ repository, isDeep, verified, images }: VerificationReport): unknown {
  return {
    repository,
    isDeep,
    verified,
    images: images.map((image) => ({
      image: printable(image.name),
      outcome: outcomeOf(image),
      findings: image.findings.map((finding) => ({ ...finding, path: displayPath(finding.path) })),
      more: image.more,
      unknown: image.unknown,
      failure: image.failure && problemDocument(failureText(image.failure)),
    })),
  };
}

function linesOf(image: VerifiedImage): string[] {
  const { name, findings, more, unknown, failure } = image;
  const sinceMs = findings.reduce((least, one) => Math.min(least, one.sinceMs), Infinity);
  const since = findings.length === 0 ? '' : `, known since ${localTime(sinceMs)}`;
  return [
    `${outcomeOf(image).padEnd(9)} ${printable(name)}${since}`,
    ...findings.map((finding) => `  ${displayPath(finding.path)}: ${printable(differenceText(finding))}`),
    ...(more === 0 ? [] : [`  and ${counted(more, 'further difference')}`]),
    ...unknown.map((reason) => `  not known: ${printable(reason)}`),
    ...(failure === undefined ? [] : [`  not repaired: ${withHint(failure)} [${failure.code}]`]),
  ];
}
