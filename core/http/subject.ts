import { formatReference } from '../oci/reference.ts';
import type { ImageReference } from '../oci/reference.ts';
import type { Digest } from '../oci/digest.ts';

/** What a request is about: each message about it names the registry, the image and this. */
export interface Subject {
  readonly kind: 'tag list' | 'manifest' | 'blob' | 'token';
  readonly reference: ImageReference;
  /** Of a blob. */
  readonly digest?: Digest;
}

/** `the manifest of quay.io/lab/tool:1` */
export function describeSubject({ kind, reference, digest }: Subject): string {
  const image = formatReference(reference);
  if (kind === 'tag list') return `the tag list of ${reference.registry}/${reference.repository}`;
  if (kind === 'token') return `a token for ${reference.registry}/${reference.repository}`;
  return digest === undefined ? `the ${kind} of ${image}` : `the ${kind} ${digest} of ${image}`;
}
