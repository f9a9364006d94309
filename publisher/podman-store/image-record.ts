import { z } from 'zod';
import type { Digest } from '../registry/digest.ts';
import { digestSchema } from '../registry/manifest/manifest.ts';
import { isPodmanName } from './image-name.ts';

/** A document that an image consists of. */
export interface StoredDocument {
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
}

/** One layer of a published image. */
export interface LayerRecord extends StoredDocument {
  readonly diffId: Digest;
  /** Size of the uncompressed archive, in bytes. */
  readonly diffSize: number;
  readonly compression: 'none' | 'gzip' | 'zstd';
}

/**
 * What the store has to know of one published image. It is published beside the image's manifest and goes with it, so
 * that the store can always be computed from what is published.
 */
export interface ImageRecord {
  /** What podman calls the image: `quay.io/lab/tool:1`, or `…@sha256:…` for one that is pinned. */
  readonly name: string;
  readonly config: StoredDocument;
  readonly manifest: StoredDocument;
  /** The index that led to the manifest, if one did. */
  readonly index?: StoredDocument | undefined;
  /** RFC 3339 */
  readonly created: string;
  /** Lowest first. */
  readonly layers: readonly LayerRecord[];
}

/** Of an image that podman could not use: it is kept out of the store, and not looked at again while it stays the same. */
export interface RefusedRecord {
  readonly config: StoredDocument;
  /** Why. */
  readonly refused: string;
}

const FORMAT = 1;

const documentShape = { digest: digestSchema, size: z.int().nonnegative() };
const DocumentSchema = z.object(documentShape);

const LayerSchema = z.object({
  ...documentShape,
  diffId: digestSchema,
  diffSize: z.int().nonnegative(),
  compression: z.enum(['none', 'gzip', 'zstd']),
});

/** One record with a mistake would break the store for everybody: what is not exactly as written here does not count. */
const RecordSchema = z.object({
  format: z.literal(FORMAT),
  name: z.string().refine(isPodmanName),
  config: DocumentSchema,
  manifest: DocumentSchema,
  index: DocumentSchema.optional(),
  created: z.iso.datetime(),
  layers: z.array(LayerSchema),
});

const RefusedSchema = z.object({ format: z.literal(FORMAT), config: DocumentSchema, refused: z.string() });

export function encodeRecord(record: ImageRecord | RefusedRecord): Buffer {
  return Buffer.from(JSON.stringify({ format: FORMAT, ...record }));
}

/** `undefined` for what is no record of this format. */
export function decodeRecord(bytes: Buffer): ImageRecord | RefusedRecord | undefined {
  try {
    const document: unknown = JSON.parse(bytes.toString('utf8'));
    const found = RecordSchema.safeParse(document).data ?? RefusedSchema.safeParse(document).data;
    if (found === undefined) return undefined;
    const { format: _, ...record } = found;
    return record;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
