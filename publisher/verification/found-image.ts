import { isFailure, messageOf, type Failure } from '../../core/failure.ts';
import { hexOf } from '../../core/oci/digest.ts';
import type { ImageReference } from '../../core/oci/reference.ts';
import { isPlain, layerDigests } from '../image/image.ts';
import { flatId, flatPath, parsePlatformName } from '../image/layout.ts';
import { STOPPING } from '../image/own-failure.ts';
import { foundOutputs } from '../outputs/outputs.ts';
import { storedManifest } from '../outputs/podman/stored-documents.ts';
import type { PublishingContext } from '../pipeline/context.ts';
import {
  imageOfManifest,
  publishedImage,
  publishedReference,
  type PublishedImage,
} from '../published/published-image.ts';
import { areTreesPublished, layerLocation } from '../published/published.ts';
import type { RepositoryView } from '../publication/view.ts';

export interface FindingOptions {
  /** The reference by which an image was asked for, where that is known. */
  readonly referenceOf?: ((name: string) => ImageReference | undefined) | undefined;
}

/** A published image, also where its manifest is lost. */
export interface FoundImage {
  /** `undefined`: nobody knows its manifest any more. */
  readonly image: PublishedImage | undefined;
  /** What is wrong with the manifest in the repository. */
  readonly wrong: string | undefined;
}

/**
 * Finds what is published as `name`. Where its manifest is gone or damaged, the podman store or the registry may have the
 * one that what is published was made from.
 *
 * @throws Failure of {@link STOPPING}
 */
export async function findImage(
  context: Pick<PublishingContext, 'view' | 'client'>,
  name: string,
  { referenceOf }: FindingOptions,
): Promise<FoundImage> {
  const { view } = context;
  const facts = { outputsOf: foundOutputs, referenceOf };
  const stored = await storedManifest(view, plainName(name));
  const published = await unlessInvalid(async () => await publishedImage(view, name, facts));
  const wrong = whatIsWrong(published, stored);
  if (wrong === undefined && published !== undefined && !isFailure(published))
    return { image: published, wrong };
  const sources = [
    async () => await Promise.resolve(stored?.bytes),
    async () => await manifestNow(context, name, referenceOf?.(name)),
  ];
  for (const source of sources) {
    const bytes = await unlessInvalid(source);
    if (bytes === undefined || isFailure(bytes)) continue;
    const image = await unlessInvalid(async () => await imageOfManifest(view, { name, bytes }, facts));
    if (!isFailure(image) && (await isMadeFrom(view, image))) return { image, wrong };
  }
  return { image: undefined, wrong };
}

function whatIsWrong(
  published: PublishedImage | Failure | undefined,
  stored: Awaited<ReturnType<typeof storedManifest>>,
): string | undefined {
  if (published === undefined) return 'nothing';
  if (isFailure(published)) return messageOf(published);
  const { digest, config } = published.manifest;
  if (stored === undefined || stored.digest === digest || stored.config !== config.digest) return undefined;
  return `one with the digest ${digest}, not ${stored.digest}`;
}

async function unlessInvalid<T>(work: () => Promise<T>): Promise<T | Failure> {
  try {
    return await work();
  } catch (error) {
    if (!isFailure(error) || STOPPING.has(error.code)) throw error;
    return error;
  }
}

/** Of what the name means now at its registry. */
async function manifestNow(
  { client }: Pick<PublishingContext, 'client'>,
  name: string,
  known: ImageReference | undefined,
): Promise<Buffer> {
  const { platform, publicName } = parsePlatformName(name);
  const reference = known ?? publishedReference(publicName);
  return (await client.fetchManifest(reference, platform)).bytes;
}

/** Reports whether what is published was made from this manifest, as far as its names tell. */
async function isMadeFrom(view: RepositoryView, image: PublishedImage): Promise<boolean> {
  const flat = flatId(image.manifest);
  const target = await view.readLink(image.publicName);
  if (target !== undefined && /(?:^|\/)\.flat\//.test(target)) return target.endsWith(`/${hexOf(flat)}`);
  if ((await view.kindOf(flatPath(flat))) === 'directory') return true;
  const layers = layerDigests(image).map(layerLocation);
  return layers.length > 0 && (await areTreesPublished(view, layers));
}

/** The metadata beside the manifest of linux/amd64 have the plain name, also where DUCC has that in a folder. */
function plainName(name: string): string {
  const { platform, publicName } = parsePlatformName(name);
  return isPlain(platform) ? publicName : name;
}
