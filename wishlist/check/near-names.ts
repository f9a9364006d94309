import { nearest } from '../../core/text.ts';
import type { ImageReference } from '../../core/oci/reference.ts';
import { inVersionOrder } from '../tags/version.ts';

/** Registries that wishes name most, as they are written. */
const KNOWN_REGISTRIES = [
  'docker.io',
  'ghcr.io',
  'quay.io',
  'gcr.io',
  'registry.gitlab.com',
  'registry.k8s.io',
  'registry.access.redhat.com',
  'public.ecr.aws',
  'mcr.microsoft.com',
  'nvcr.io',
];

/** Of shorter tags each is like each other one. */
const SHORTEST_SIMILAR = 3;

/**
 * The tag that `tag` is most likely a slip for: the same in another case, with or without `v`, with or without `.0` at
 * its end, with digits for the letters O and l, or a similar one, of which the highest version.
 */
export function nearestTag(tag: string, tags: readonly string[]): string | undefined {
  const ordered = inVersionOrder(tags).toReversed();
  for (const plain of [(text: string) => text.toLowerCase(), withoutPrefix, withoutZeros, asDigits]) {
    const found = ordered.find((other) => plain(other) === plain(tag));
    if (found !== undefined) return found;
  }
  if (tag.length < SHORTEST_SIMILAR) return undefined;
  const mostDifferent = Math.max(1, Math.floor(tag.length / 3));
  return nearest(
    tag,
    ordered.filter(({ length }) => Math.abs(length - tag.length) <= mostDifferent),
  );
}

/**
 * Repositories of the same registry that the missing one of `reference` may be meant for, the likeliest first.
 *
 * @param others what else is asked for
 * @see https://docs.docker.com/docker-hub/repos/manage/trusted-content/official-images/ for `library`
 */
export function likelyRepositories(reference: ImageReference, others: readonly ImageReference[]): string[] {
  const { registry, repository } = reference;
  const official = registry === 'docker.io' && !repository.includes('/') ? [`library/${repository}`] : [];
  const neighbours = others.filter((other) => other.registry === registry).map((other) => other.repository);
  const similar = nearest(
    repository,
    neighbours.filter((other) => other !== repository),
  );
  return [...official, ...(similar === undefined ? [] : [similar])];
}

/** The registry that `registry` is most likely a slip for, if it is another one. */
export function nearestRegistry(registry: string, others: readonly ImageReference[]): string | undefined {
  if (KNOWN_REGISTRIES.includes(registry)) return undefined;
  const asked = others.map((other) => other.registry);
  return nearest(registry, [...KNOWN_REGISTRIES, ...asked.filter((other) => other !== registry)]);
}

function withoutPrefix(tag: string): string {
  return tag.toLowerCase().replace(/^v(?:ersion)?[._-]?(?=\d)/, '');
}

/** Letters look like digits in many fonts: `1.O` is meant as `1.0`. */
function asDigits(tag: string): string {
  return tag.toLowerCase().replaceAll('o', '0').replaceAll(/[il]/g, '1');
}

function withoutZeros(tag: string): string {
  return withoutPrefix(tag).replace(/(?:\.0)+$/, '');
}
