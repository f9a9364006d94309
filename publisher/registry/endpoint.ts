import { DOCKER_HUB, DOCKER_HUB_HOST } from '../../core/oci/registry-host.ts';
import type { Place } from './route.ts';

/**
 * Where `place` answers for a repository (with the place's prefix, if there is one): `path` follows it, such as
 * `tags/list`.
 *
 * @see OCI distribution specification 1.1, "Endpoints"
 */
export function endpoint(place: Place, repository: string, path: string): URL {
  return new URL(`${repository}/${path}`, baseEndpoint(place));
}

/** Where `place` says whether it is a registry, and how to log in to it. */
export function baseEndpoint({ scheme, host }: Place): URL {
  return new URL(`${scheme}://${host === DOCKER_HUB ? DOCKER_HUB_HOST : host}/v2/`);
}
