import type { Place } from './route.ts';

/** Docker Hub is named after one host and answers at another. */
const DOCKER_HUB = 'docker.io';
const DOCKER_HUB_HOST = 'registry-1.docker.io';

/**
 * Where `place` answers for a repository (with the place's prefix, if there is one): `path` follows it, such as
 * `tags/list`.
 *
 * @see OCI distribution specification 1.1, "Endpoints"
 */
export function endpoint(place: Place, repository: string, path: string): URL {
  const host = place.host === DOCKER_HUB ? DOCKER_HUB_HOST : place.host;
  return new URL(`${place.scheme}://${host}/v2/${repository}/${path}`);
}
