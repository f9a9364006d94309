import { createHash } from 'node:crypto';
import { Failure } from '../failure.ts';

/**
 * A SHA-256 digest as registries write it, `sha256:` and 64 lower-case hexadecimal digits.
 *
 * @see OCI image specification 1.1, descriptor.md, "Digests"
 */
export type Digest = `sha256:${string}`;

const SYNTAX = /^sha256:[0-9a-f]{64}$/;

/** @throws Failure `manifest-invalid` where `text` is not a valid SHA-256 digest; `what` names it in the message. */
export function parseDigest(text: string, what = 'digest'): Digest {
  if (!isDigest(text)) {
    throw new Failure(
      'manifest-invalid',
      `the ${what} ${JSON.stringify(text)} is not sha256: and 64 hexadecimal digits`,
    );
  }
  return text;
}

export function isDigest(text: string): text is Digest {
  return SYNTAX.test(text);
}

/** The digits alone: paths in the repository carry no `sha256:`. */
export function hexOf(digest: Digest): string {
  return digest.slice('sha256:'.length);
}

/** Bytes are not those that were asked for. */
export function wrongBytes(message: string): Failure {
  return new Failure('digest-mismatch', message, {
    hint: 'the registry or a proxy in between served wrong bytes: push the image again, or clear the cache',
  });
}

export function sha256(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
