import { DOCKER_HUB, DOCKER_HUB_HOST } from '../../core/oci/registry-host.ts';
import type { ImageReference } from '../../core/oci/reference.ts';

/** A server of images: a host, and a prefix of its repositories. */
export interface Endpoint {
  readonly scheme: 'https' | 'http';
  /** With its port, where it has one; credentials and settings are looked up by it. */
  readonly host: string;
  /** Goes before the repository: `dockerhub-cache`; empty for none. No slash at its ends. */
  readonly prefix: string;
}

/** A repository at an endpoint, which is read for an image. */
export interface RepositoryAccess {
  readonly endpoint: Endpoint;
  /** With the endpoint's prefix. */
  readonly repository: string;
  readonly reference: ImageReference;
}

/** The endpoints of a registry's images. */
export interface RegistryRoute {
  /** A pull-through proxy, which replaces the registry. */
  readonly proxy: Endpoint | undefined;
  /** Tried before the registry (or its proxy), in order. */
  readonly mirrors: readonly Endpoint[];
}

export const DIRECT: RegistryRoute = { proxy: undefined, mirrors: [] };

/**
 * The address of what `endpoint` has of a repository (with the endpoint's prefix): `path` is such as `tags/list`.
 *
 * @see OCI distribution specification 1.1, "Endpoints"
 */
export function apiUrl(endpoint: Endpoint, repository: string, path: string): URL {
  return new URL(`${repository}/${path}`, baseUrl(endpoint));
}

/** The address where `endpoint` says whether it is a registry, and how to log in to it. */
export function baseUrl({ scheme, host }: Endpoint): URL {
  return new URL(`${scheme}://${host === DOCKER_HUB ? DOCKER_HUB_HOST : host}/v2/`);
}
