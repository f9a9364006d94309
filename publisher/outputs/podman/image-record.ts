import { z } from 'zod';
import { digestSchema } from '../../../core/oci/manifest.ts';
import type { ImageReference } from '../../../core/oci/reference.ts';
import { mapLimited } from '../../../core/concurrency.ts';
import type { BytePath } from '../../../core/system/byte-path.ts';
import type { RepositoryView } from '../../publication/view.ts';
import type { NamedImage } from '../../image/image.ts';
import { metadataPath } from '../../image/layout.ts';
import { READS_AT_A_TIME } from '../../publication/walk.ts';
import { namesWith } from '../../published/find-published.ts';
import { imagesJsonPath, storeRoot } from './paths.ts';
import type { PublishedImage } from './store.ts';

const FORMAT = 1;

/** A document that an image consists of; `size` is in bytes. */
const documentShape = { digest: digestSchema, size: z.int().nonnegative() };
const DocumentSchema = z.object(documentShape);
export type StoredDocument = Readonly<z.infer<typeof DocumentSchema>>;

const LayerSchema = z.object({
  ...documentShape,
  diffId: digestSchema,
  /** Size of the uncompressed archive, in bytes. */
  diffSize: z.int().nonnegative(),
  compression: z.enum(['none', 'gzip', 'zstd']),
});
export type LayerRecord = Readonly<z.infer<typeof LayerSchema>>;

const CreatedSchema = z.iso.datetime();

/** A single bad record would break the store for everybody: anything not exactly of this form is ignored. */
const RecordSchema = z.object({
  format: z.literal(FORMAT),
  /** Podman's name of the image: `quay.io/lab/tool:1`, or `…@sha256:…` for a pinned one. */
  name: z.string().refine(isPodmanName),
  config: DocumentSchema,
  manifest: DocumentSchema,
  /** The index that led to the manifest, if one did. */
  index: DocumentSchema.optional(),
  /** RFC 3339 */
  created: CreatedSchema,
  /** Lowest first. */
  layers: z.array(LayerSchema).readonly(),
});

/**
 * Everything the store needs of one published image. It is published beside the image's manifest and goes with it, so
 * that the store can always be computed from what is published.
 */
export type ImageRecord = Readonly<Omit<z.infer<typeof RecordSchema>, 'format'>>;

const RefusedSchema = z.object({ format: z.literal(FORMAT), config: DocumentSchema, refused: z.string() });

/** Of an image that podman could not use, and why: kept out of the store, and not looked at again while it stays the same. */
export type RefusedRecord = Readonly<Omit<z.infer<typeof RefusedSchema>, 'format'>>;

export function encodeRecord(record: ImageRecord | RefusedRecord): Buffer {
  return Buffer.from(JSON.stringify({ format: FORMAT, ...record }));
}

/** @returns `undefined` for anything but a record of this format */
export function decodeRecord(bytes: Buffer): ImageRecord | RefusedRecord | undefined {
  try {
    const text = bytes.toString('utf8');
    const document: unknown = JSON.parse(text);
    const found = !isAsWritten(text, document)
      ? (RecordSchema.safeParse(document).data ?? RefusedSchema.safeParse(document).data)
      : isSound(document)
        ? document
        : undefined;
    if (found === undefined) return undefined;
    const { format: _, ...record } = found;
    return record;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const DIGEST = '"sha256:[0-9a-f]{64}"';
/** None that a number could not hold exactly. */
const SIZE = '(?:0|[1-9][0-9]{0,14})';
const DOCUMENT = `{"digest":${DIGEST},"size":${SIZE}}`;
const LAYER = `{"digest":${DIGEST},"size":${SIZE},"diffId":${DIGEST},"diffSize":${SIZE},"compression":"(?:none|gzip|zstd)"}`;
const WRITTEN = new RegExp(
  `^{"format":${FORMAT},"name":"[^"\\\\]*","config":${DOCUMENT},"manifest":${DOCUMENT},(?:"index":${DOCUMENT},)?` +
    `"created":"[^"\\\\]*","layers":\\[(?:${LAYER}(?:,${LAYER})*)?\\]}$`,
);

/**
 * Recognizes `text`, which is `document`, as a record in the very form of {@link encodeRecord}. All records of a repository
 * are read for each publication, and the schema takes several times as long to say that of each value.
 */
function isAsWritten(text: string, _document: unknown): _document is z.infer<typeof RecordSchema> {
  return WRITTEN.test(text);
}

/** Checks that the form leaves open. */
function isSound({ name, created }: ImageRecord): boolean {
  return isPodmanName(name) && CreatedSchema.safeParse(created).success;
}

/** The grammar of containers/image, docker/reference: a name outside of it makes every listing of the store fail. */
const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const HOST = `${LABEL}(?:\\.${LABEL})*(?::[0-9]+)?`;
const VERSION = '(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127}|@sha256:[0-9a-f]{64})';
const NAME = new RegExp(`^(?<path>${HOST}(?:/${COMPONENT})+)${VERSION}$`);
const LONGEST_PATH_CHARACTERS = 255;

/**
 * Podman's name of the image once it has pulled it: by its tag, or by its digest where it is pinned, whatever tag stands
 * beside that.
 */
export function podmanName({ registry, repository, tag, digest }: ImageReference): string {
  const version = digest === undefined ? `:${tag ?? 'latest'}` : `@${digest}`;
  return `${registry}/${repository}${version}`;
}

/** Reports whether podman can read `name` at all. It cannot read hosts that are IPv6 addresses, for one. */
export function isPodmanName(name: string): boolean {
  const path = NAME.exec(name)?.groups?.['path'];
  return path !== undefined && path.length <= LONGEST_PATH_CHARACTERS;
}

/** A name without its tag or digest. */
export function pathOf(name: string): string {
  if (isPinned(name)) return name.slice(0, name.indexOf('@'));
  const colon = name.lastIndexOf(':');
  return colon > name.lastIndexOf('/') ? name.slice(0, colon) : name;
}

export function isPinned(name: string): boolean {
  return name.includes('@');
}

/** In the metadata of an image. */
export const PODMAN_FILE = 'podman.json';

/** Path of the record of an image: beside its manifest, so that both go together. */
export function imageRecordPath(publicName: string): BytePath {
  return metadataPath(publicName, PODMAN_FILE);
}

/** Reports whether podman's form of the image is published, or known to be impossible. */
export async function isInStore(
  view: RepositoryView,
  { publicName, manifest }: Pick<NamedImage, 'publicName' | 'manifest'>,
): Promise<boolean> {
  const record = await publishedRecord(view, publicName);
  if (record?.config.digest !== manifest.config.digest) return false;
  if ('refused' in record) return true;
  // Podman finds it by the digest of its manifest too, which may be another one for the same config.
  if (record.manifest.digest !== manifest.digest) return false;
  return (await view.kindOf(imagesJsonPath(storeRoot(publicName)))) === 'file';
}

/** Images that stores must have: every one published with a record. Unreadable records are ignored. */
export async function publishedImages(view: RepositoryView): Promise<PublishedImage[]> {
  const names = await namesWith(PODMAN_FILE, view);
  const found = await mapLimited(names, READS_AT_A_TIME, async (publicName) => {
    const record = await publishedRecord(view, publicName);
    return record === undefined || 'refused' in record ? [] : [{ publicName, record }];
  });
  return found.flat();
}

export async function publishedRecord(
  view: RepositoryView,
  publicName: string,
): Promise<ImageRecord | RefusedRecord | undefined> {
  const bytes = await view.read(imageRecordPath(publicName));
  return bytes === undefined ? undefined : decodeRecord(bytes);
}
