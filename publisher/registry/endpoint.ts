import type { ImageReference } from '../../wishlist/reference.ts';

/** Docker Hub is named after one host and answers at another. */
const DOCKER_HUB = 'docker.io';
const DOCKER_HUB_HOST = 'registry-1.docker.io';

/**
 * Where a registry answers for the repository of `reference`: `path` follows it, such as `tags/list`.
 *
 * @see OCI distribution specification 1.1, "Endpoints"
 */
export function endpoint(reference: ImageReference, path: string): URL {
  const host = reference.registry === DOCKER_HUB ? DOCKER_HUB_HOST : reference.registry;
  return new URL(`${reference.scheme}://${host}/v2/${reference.repository}/${path}`);
}
