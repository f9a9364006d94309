import { Failure, isFailure } from '../../core/failure.ts';
import { outlineOf } from '../../core/oci/manifest.ts';
import { OWN_FOLDERS, ownFolders } from '../../core/outputs.ts';
import { displayPath, type BytePath } from '../../core/system/byte-path.ts';
import { parsePlatformName } from '../image/layout.ts';
import { STOPPING } from '../image/own-failure.ts';
import { Results } from '../image/results.ts';
import type { RepositoryPublisher } from '../pipeline/repository-publisher.ts';
import type { Candidate, Repair } from '../pipeline/resolve.ts';
import type { PublishedImage } from '../published/published-image.ts';
import type { ImageFindings } from './finding.ts';
import { findImage, type FindingOptions } from './found-image.ts';
import { PartsFinder } from './image-parts.ts';

/**
 * Publishes again what is broken of images, and only that: the same manifests under the same names, whatever the names mean
 * at the registries now. Layers that are broken are fetched; all else needs no registry where listings and configs are at
 * hand. What stands in the way of a repair goes when everything is ready, in a publication of its own.
 *
 * @returns by name, why an image could not be repaired
 * @throws Failure that is no image's own
 */
export async function repairImages(
  publisher: RepositoryPublisher,
  broken: readonly ImageFindings[],
  options: FindingOptions = {},
): Promise<ReadonlyMap<string, Failure>> {
  const failed = new Map<string, Failure>();
  const candidates = new Map<string, RepairCandidate>();
  const finder = new PartsFinder(publisher.context);
  for (const findings of broken) {
    const { name } = findings;
    try {
      candidates.set(name, await candidateOf(publisher, findings, { finder, options }));
    } catch (error) {
      if (!isFailure(error) || STOPPING.has(error.code)) throw error;
      failed.set(name, error);
    }
  }
  const all = [...candidates];
  const { observe } = publisher.context;
  const results = new Results(
    all.map(([, { part }]) => part.wanted),
    observe,
    (part, result) => {
      if (result.outcome !== 'failed') return;
      const [name] = all.find(([, candidate]) => candidate.part.wanted === part.wanted) ?? [];
      const { code, message, hint } = result;
      if (name !== undefined) failed.set(name, new Failure(code, message, { hint }));
    },
  );
  for (const [, { part }] of all)
    results.expect(part.wanted, part.platform === undefined ? [] : [part.platform]);
  await publisher.repair([...candidates.values()], results);
  return failed;
}

type RepairCandidate = Omit<Candidate, 'missing'> & { readonly repair: Repair };

interface RepairTools {
  readonly finder: PartsFinder;
  readonly options: FindingOptions;
}

async function candidateOf(
  { context }: RepositoryPublisher,
  { name, manifest: found, brokenTrees, inTheWay }: ImageFindings,
  { finder, options }: RepairTools,
): Promise<RepairCandidate> {
  const { image: published, wrong = 'it is gone' } = await findImage(context, name, options);
  if (published === undefined)
    throw new Failure(
      'manifest-invalid',
      `the manifest of ${displayPath(name)} is nowhere to be had: ${wrong}`,
      {
        hint: 'publish the image again, or remove its name',
      },
    );
  const { manifest, config } = await finder.documentsOf(published);
  return {
    part: { wanted: wantedOf(published, name), platform: published.platform },
    resolved: { ...published, manifest: outlineOf(manifest) },
    repair: {
      name,
      found,
      trees: brokenTrees,
      inTheWay: inTheWay.filter((path) => isOurs(path) && !isShared(path, name)),
      manifest,
      config,
    },
  };
}

function wantedOf({ reference, platform }: PublishedImage, name: string): Candidate['part']['wanted'] {
  const { publicName } = parsePlatformName(name);
  const platforms = [{ platform, isRequired: true }];
  return { reference, publicName, outputs: undefined, platforms, isNamed: true };
}

/** What stands at a public name is somebody's, and no repair takes it away. */
function isOurs(path: BytePath): boolean {
  const [first = '', ...rest] = path.split('/');
  if (first === OWN_FOLDERS.platforms) return rest[1] === 'podmanStore';
  return ownFolders().includes(first);
}

/**
 * Reports whether other images are found by way of the path too: somebody may have moved such a folder, and put a link in its
 * place.
 */
function isShared(path: BytePath, name: string): boolean {
  const [first = '', ...rest] = path.split('/');
  if (first === OWN_FOLDERS.metadata) return rest.length === 0 || name.startsWith(`${rest.join('/')}/`);
  return rest.length < (first === OWN_FOLDERS.platforms ? 4 : 2);
}
