import type { LayerFacts } from '../../layer/listing.ts';
import type { ReadyImage } from '../../image/image.ts';
import type { Digest } from '../../../core/oci/digest.ts';
import { isPodmanName, podmanName } from './image-name.ts';
import type { ImageRecord, RefusedRecord, StoredDocument } from './image-record.ts';
import type { Documents } from './documents.ts';
import { unreadableConfig, unreadableManifest } from './readable.ts';

/** An image as it goes into a store. */
export interface NewImage {
  readonly record: ImageRecord | RefusedRecord;
  readonly documents: Documents;
}

/** What of `image` goes into a store. @param layers its own, lowest first */
export function newImage(image: ReadyImage, layers: readonly LayerFacts[]): NewImage {
  const refused = refusalOf(image);
  if (refused === undefined) return acceptedImage(image, layers);
  const { config, manifest } = image;
  return {
    record: { config: documentOf(manifest.config.digest, config.bytes), refused },
    documents: new Map(),
  };
}

/** Why podman could not use `image`; `undefined`: it can. */
function refusalOf({ reference, manifest, config }: ReadyImage): string | undefined {
  const name = podmanName(reference);
  if (!isPodmanName(name)) return `podman cannot read the name ${name}`;
  if (manifest.skipped.length > 0) return 'some of its layers are left out';
  const { index } = manifest;
  const reasons: [string, string | undefined][] = [
    ['config', unreadableConfig(config.bytes)],
    ['manifest', unreadableManifest(manifest.bytes)],
    ['index', index === undefined ? undefined : unreadableManifest(index.bytes)],
  ];
  const found = reasons.find(([, reason]) => reason !== undefined);
  return found && `podman cannot read its ${found[0]}: ${found[1] ?? ''}`;
}

function acceptedImage({ reference, manifest, config }: ReadyImage, layers: readonly LayerFacts[]): NewImage {
  const { index } = manifest;
  const record: ImageRecord = {
    name: podmanName(reference),
    config: documentOf(manifest.config.digest, config.bytes),
    manifest: documentOf(manifest.digest, manifest.bytes),
    index: index && documentOf(index.digest, index.bytes),
    created: timeOf(config.created),
    layers: manifest.layers.map(({ digest }, place) => {
      const facts = layers[place];
      if (facts === undefined) throw new Error('each layer is listed');
      const { diffId, sizeBytes: diffSize, blobBytes: size, compression } = facts;
      return { digest, size, diffId, diffSize, compression };
    }),
  };
  const documents = new Map([
    [manifest.config.digest, config.bytes],
    [manifest.digest, manifest.bytes],
  ]);
  if (index !== undefined) documents.set(index.digest, index.bytes);
  return { record, documents };
}

/** The digest was verified when the document was read. */
function documentOf(digest: Digest, bytes: Buffer): StoredDocument {
  return { digest, size: bytes.length };
}

const EPOCH = '1970-01-01T00:00:00.000Z';

/** In the one form that every reader takes; a time that is none, or of another era, is the beginning of time. */
function timeOf(created: string | undefined): string {
  const milliseconds = Date.parse(created ?? EPOCH);
  const text = Number.isNaN(milliseconds) ? EPOCH : new Date(milliseconds).toISOString();
  return text.length === EPOCH.length ? text : EPOCH;
}
