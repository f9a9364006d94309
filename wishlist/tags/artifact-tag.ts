import type { TagSelection } from './tag-selection.ts';

/**
 * What refers to an image by its digest: signatures, attestations and lists of software as cosign names them
 * (`sha256-….sig`, `.att`, `.sbom`), and the referrers of registries that have no API for them (`sha256-…`).
 *
 * @see OCI distribution specification 1.1, "Referrers Tag Schema"
 */
const FORM = /^sha(?:256-[0-9a-f]{64}|512-[0-9a-f]{64}(?:[0-9a-f]{64})?)(?:\.[A-Za-z0-9._-]+)?$/;

/** Patterns for all tags of that form, and few others. */
export const ARTIFACT_TAGS: readonly string[] = ['sha256-*', 'sha512-*'];

/** Whether `tag` is by its form of something that is no image. */
export function isArtifactTag(tag: string): boolean {
  return FORM.test(tag);
}

/** Whether `selection` names `tag` itself, and does not only mean it. */
export function isNamedBy(selection: TagSelection | undefined, tag: string | undefined): boolean {
  return selection === undefined || (tag !== undefined && selection.include.includes(tag));
}
