import { formatReference } from './reference.ts';
import type { ImageReference } from './reference.ts';
import type { Digest } from './digest.ts';

/** A document of an image, or a token for it, that a registry is asked for. */
export interface ImageSubject {
  readonly kind: 'tag list' | 'manifest' | 'blob' | 'token';
  readonly reference: ImageReference;
  /** Of a blob. */
  readonly digest?: Digest;
}

/** `the manifest of quay.io/lab/tool:1` */
export function describeSubject({ kind, reference, digest }: ImageSubject): string {
  const image = formatReference(reference);
  if (kind === 'tag list') return `the tag list of ${reference.registry}/${reference.repository}`;
  if (kind === 'token') return `a token for ${reference.registry}/${reference.repository}`;
  return digest === undefined ? `the ${kind} of ${image}` : `the ${kind} ${digest} of ${image}`;
}
