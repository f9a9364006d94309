import { Failure, orUndefined } from '../../core/failure.ts';
import { hexOf, sha256, type Digest } from '../../core/oci/digest.ts';
import { parseManifest, type ImageDocument, type Manifest } from '../../core/oci/manifest.ts';
import { formatReference, parseReference, type ImageReference } from '../../core/oci/reference.ts';
import { looksLikeRegistry } from '../../core/oci/registry-host.ts';
import type { Outputs } from '../../core/outputs.ts';
import { displayPath } from '../../core/system/byte-path.ts';
import { isPlain, type ResolvedImage } from '../image/image.ts';
import {
  flatId,
  flatPath,
  manifestPath,
  multiarchName,
  parsePlatformName,
  recordPath,
  isVariantTarget,
} from '../image/layout.ts';
import type { RepositoryView } from '../publication/view.ts';

/** An image as its manifest in the repository says, with the bytes of that. Of an index that led to it nothing is known. */
export interface PublishedImage extends ResolvedImage {
  readonly manifest: Manifest;
}

/** What the repository does not say by itself. */
export interface PublishedFacts {
  /** The forms in which the image is there: `foundOutputs` of `publisher/outputs`. */
  readonly outputsOf: (view: RepositoryView, image: Omit<ResolvedImage, 'outputs'>) => Promise<Outputs>;
  /** The reference that the image was asked for by, where that is known: a public name does not say `http://`. */
  readonly referenceOf?: ((name: string) => ImageReference | undefined) | undefined;
}

/**
 * The image that is published as `name`, without any registry; `undefined` where it has no manifest.
 *
 * @param name as `publishedNames` gives it
 * @throws Failure `manifest-invalid`, `media-type-unsupported` where its manifest is none; `reference-invalid` where
 *   the name is not an image's
 */
export async function publishedImage(
  view: RepositoryView,
  name: string,
  facts: PublishedFacts,
): Promise<PublishedImage | undefined> {
  const bytes = await view.read(manifestPath(name));
  return bytes && (await imageOfManifest(view, { name, bytes }, facts));
}

/** Digest of what is published in the place of its manifest; `undefined`: nothing. */
export async function publishedDigest(view: RepositoryView, name: string): Promise<Digest | undefined> {
  const bytes = await view.read(manifestPath(name));
  return bytes && sha256(bytes);
}

/**
 * The same, if `bytes` were its manifest.
 *
 * @throws Failure like {@link publishedImage}
 */
export async function imageOfManifest(
  view: RepositoryView,
  { name, bytes }: { readonly name: string; readonly bytes: Buffer },
  { outputsOf, referenceOf }: PublishedFacts,
): Promise<PublishedImage> {
  const document = parseManifest(bytes, displayPath(name));
  if (document.kind !== 'image')
    throw new Failure('manifest-invalid', `the published manifest of ${displayPath(name)} is an index`, {
      hint: 'publish the image again',
    });
  const { platform, publicName: plainName } = parsePlatformName(name);
  const publicName = isPlain(platform) ? plainName : name;
  const known = {
    reference: referenceOf?.(name) ?? publishedReference(plainName),
    platform,
    publicName,
    manifest: await asPublished(view, { bytes, document, publicName }),
    hasVariantLink: await hasVariantLink(view, plainName),
  };
  return { ...known, outputs: await outputsOf(view, known) };
}

/**
 * The reference of what is published under a plain name: its registry is the first component that looks like one, and what is
 * before that a subdirectory.
 *
 * @throws Failure `reference-invalid`
 */
export function publishedReference(plainName: string): ImageReference {
  const components = plainName.split('/');
  for (const [index, component] of components.entries()) {
    if (!looksLikeRegistry(component)) continue;
    const text = components.slice(index).join('/');
    const reference = orUndefined('reference-invalid', () => parseReference(text));
    if (reference !== undefined) return reference;
  }
  throw new Failure('reference-invalid', `${displayPath(plainName)} is not the public name of an image`, {
    hint: 'a public name is [SUBDIRECTORY/]REGISTRY/REPOSITORY[:TAG][@DIGEST]',
  });
}

/** The same; `undefined` for a name that no image has. */
export function referenceIfValid(plainName: string): ImageReference | undefined {
  return orUndefined('reference-invalid', () => publishedReference(plainName));
}

/** The same as people write it, without a subdirectory. */
export function referenceText(plainName: string): string | undefined {
  const reference = referenceIfValid(plainName);
  return reference && formatReference(reference);
}

/** With the layers that it was published with: those that registries do not distribute may have been left out. */
async function asPublished(
  view: RepositoryView,
  { bytes, document, publicName }: { bytes: Buffer; document: ImageDocument; publicName: string },
): Promise<Manifest> {
  const { mediaType, config, layers } = document;
  const whole = { mediaType, config, layers, digest: sha256(bytes), bytes, index: undefined, skipped: [] };
  const skipped = layers.flatMap(({ isForeign }, index) => (isForeign ? [index] : []));
  if (skipped.length === 0) return whole;
  const partial = { ...whole, layers: layers.filter(({ isForeign }) => !isForeign), skipped };
  const flat = flatId(partial);
  const isPartial =
    (await view.readLink(publicName))?.endsWith(`/${hexOf(flat)}`) === true ||
    (await view.kindOf(flatPath(flat))) !== undefined ||
    (await view.kindOf(recordPath('flat', hexOf(flat)))) !== undefined;
  return isPartial ? partial : whole;
}

/** The plain name leads to a folder of platforms; where it is gone, the longer name tells. */
async function hasVariantLink(view: RepositoryView, plainName: string): Promise<boolean> {
  const target = await view.readLink(plainName);
  if (target !== undefined) return isVariantTarget(target);
  const { platform } = parsePlatformName(plainName);
  return (
    (await view.kindOf(plainName)) === undefined &&
    (await view.kindOf(multiarchName(platform, plainName))) === 'symlink'
  );
}
