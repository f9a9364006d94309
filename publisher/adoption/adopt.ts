import { mapLimited } from '../../core/concurrency.ts';
import { isFailure } from '../../core/failure.ts';
import { counted } from '../../core/text.ts';
import { formatReference } from '../../core/oci/reference.ts';
import { failedResult, type Observer } from '../image/events.ts';
import { isPlain, type ResolvedImage, type WantedImage } from '../image/image.ts';
import { manifestPath, parsePlatformName } from '../image/layout.ts';
import { ownFailure } from '../image/own-failure.ts';
import {
  labelOf,
  Results,
  type PlatformImage,
  type PlatformResult,
  type Recorder,
} from '../image/results.ts';
import { EMPTY_PUBLICATION } from '../publication/backend.ts';
import type { RepositoryPublisher } from '../pipeline/repository-publisher.ts';
import { parsePublishedManifest } from '../published/published-manifest.ts';
import type { RegistryClient } from '../registry/client.ts';
import type { Adoptable, Appraisal, Unidentified } from './appraisal.ts';

export interface AdoptionParts {
  readonly publisher: RepositoryPublisher;
  readonly client: Pick<RegistryClient, 'fetchManifest'>;
  readonly observe: Observer;
  readonly record: Recorder;
}

/** Images asked about at a time. */
const LOOKUPS_AT_A_TIME = 8;
/** Manifests that go in one publication. */
const MANIFESTS_AT_A_TIME = 500;

/**
 * Makes what other programs published unpackd's: each image is published again under its name, in the forms that it has, from the
 * blobs that its manifest names, whatever its tag means now. Trees are written over, entry by entry, so that a public name
 * leads to one at any time. Images that fail stay as they are, and so does what no manifest identifies. Whoever is
 * interrupted starts again: what is adopted has no flaws any more.
 *
 * @throws Failure that is no image's own
 */
export async function adopt(
  { images, others, duplicates }: Appraisal,
  parts: AdoptionParts,
): Promise<readonly PlatformResult[]> {
  const { publisher, observe, record } = parts;
  const flawed = images.filter(({ flaws }) => flaws.length > 0);
  const partOf = new Map(flawed.map((one) => [one, partFor(one)]));
  const pinned = others.flatMap((other) => wantedPinned(other) ?? []);
  const wanted = [...Array.from(partOf.values(), (part) => part.wanted), ...pinned];
  const results = new Results(wanted, observe, record);
  const release = publisher.claim(wanted);
  try {
    const resolved = await mapLimited(partOf, LOOKUPS_AT_A_TIME, async ([adoptable, part]) => {
      const image = await asServed(adoptable, part, { ...parts, results });
      return image === undefined ? [] : [{ part, resolved: image }];
    });
    const passes = [await publisher.takeResolved(resolved.flat(), results)];
    if (pinned.length > 0) passes.push(await publisher.resolve(pinned, results));
    await Promise.all(passes.map(async (pass) => await publisher.publishImages(pass, () => '')));
  } finally {
    release();
  }
  await removeDuplicates(publisher, duplicates);
  return results.all();
}

/** Nobody asks for the image but whoever adopts it. */
function partFor({ image }: Adoptable): PlatformImage {
  const { reference, platform, publicName, outputs } = image;
  const wanted: WantedImage = {
    reference,
    publicName: parsePlatformName(publicName).publicName,
    platforms: isPlain(platform) ? undefined : [{ platform, isRequired: true }],
    outputs: [...outputs],
    isNamed: true,
  };
  return { wanted, platform };
}

function wantedPinned({ pinned: reference, name }: Unidentified): WantedImage[] | undefined {
  if (reference === undefined) return undefined;
  const subdirectory = name.slice(0, name.indexOf(`${reference.registry}/${reference.repository}:`));
  const publicName = `${subdirectory}${formatReference(reference)}`;
  return [{ reference, publicName, platforms: undefined, outputs: undefined, isNamed: true }];
}

/**
 * The image with the manifest that its registry serves for its name, if that still means the same image; else, or where it
 * is gone, with the one that was made of DUCC's. `undefined`: it has failed, and has its result.
 */
async function asServed(
  { image, isRewritten }: Adoptable,
  part: PlatformImage,
  { client, observe, results }: AdoptionParts & { readonly results: Results },
): Promise<ResolvedImage | undefined> {
  if (!isRewritten) return image;
  try {
    const manifest = await client.fetchManifest(image.reference, image.platform);
    return manifest.config.digest === image.manifest.config.digest ? { ...image, manifest } : image;
  } catch (error) {
    if (isFailure(error, ...OF_ANOTHER_IMAGE)) return image;
    const failure = ownFailure(error, labelOf(part), observe);
    if (failure === undefined) throw error;
    results.finish(part, failedResult(failure));
    return undefined;
  }
}

/** Failures that say that the name means no such image any more: its blobs may still be there. */
const OF_ANOTHER_IMAGE = [
  'tag-unknown',
  'image-unknown',
  'platform-missing',
  'manifest-invalid',
  'media-type-unsupported',
] as const;

/** Removes DUCC's manifests of images that unpackd has now under other names. */
async function removeDuplicates(
  publisher: RepositoryPublisher,
  duplicates: Appraisal['duplicates'],
): Promise<void> {
  const gone: string[] = [];
  for (const [name, others] of duplicates)
    if ((await areIdentified(publisher, others)) && (await isThere(publisher, name))) gone.push(name);
  for (let from = 0; from < gone.length; from += MANIFESTS_AT_A_TIME) {
    const some = gone.slice(from, from + MANIFESTS_AT_A_TIME);
    const deletions = some.map(manifestPath);
    await publisher.publish(
      { ...EMPTY_PUBLICATION, deletions },
      `removal of ${counted(some.length, 'duplicate')}`,
    );
  }
}

async function isThere({ view }: RepositoryPublisher, name: string): Promise<boolean> {
  return (await view.kindOf(manifestPath(name))) !== undefined;
}

async function areIdentified({ view }: RepositoryPublisher, names: readonly string[]): Promise<boolean> {
  for (const name of names)
    if (parsePublishedManifest(await view.read(manifestPath(name))) === undefined) return false;
  return true;
}
