import { createHash } from 'node:crypto';
import { Failure } from '../../../core/failure.ts';
import type { Digest } from '../../../core/oci/digest.ts';

/** What bytes should be, and who says so. */
export interface Promised {
  readonly digest: Digest;
  /** Where it is known before. */
  readonly sizeBytes?: number;
  /** Such as `the index`. */
  readonly by: string;
}

export function sha256(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** @throws Failure `digest-mismatch` where `bytes`, called `what`, are not what `promised` says */
export function verifyBytes(bytes: Buffer, promised: Promised, what: string): void {
  const { digest, sizeBytes, by } = promised;
  if (sizeBytes !== undefined && bytes.length !== sizeBytes) {
    throw mismatch(`${what} has ${bytes.length} bytes, and ${by} says ${sizeBytes}`);
  }
  const actual = sha256(bytes);
  if (actual !== digest) throw mismatch(`${what} has the digest ${actual}, and ${by} says ${digest}`);
}

function mismatch(message: string): Failure {
  return new Failure('digest-mismatch', message, {
    hint: 'the registry or a proxy in between served wrong bytes: push the image again, or clear the cache',
  });
}
