import { createHash } from 'node:crypto';
import type { Digest } from '../../../core/oci/digest.ts';

/** What a registry serves under a digest. Nothing checks that the bytes are those of the digest: tests may lie. */
export type Blob = BlobInMemory | BlobInFile;

/** @see OCI image specification 1.1, descriptor.md, "Properties" */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
}

export interface BlobInMemory extends Descriptor {
  readonly bytes: Buffer;
}

export interface BlobInFile extends Descriptor {
  /** Path of the file that holds the bytes. */
  readonly file: string;
}

export function blobOf(mediaType: string, bytes: Buffer): BlobInMemory {
  const digest: Digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  return { mediaType, digest, size: bytes.length, bytes };
}

export function jsonBlob(mediaType: string, value: unknown): BlobInMemory {
  return blobOf(mediaType, Buffer.from(JSON.stringify(value)));
}

export function descriptorOf({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}
