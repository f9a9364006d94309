import type { Material } from './material.ts';
import { isLoopback, DOCKER_HUB, DOCKER_HUB_HOST } from '../oci/registry-host.ts';

/** How one server is connected to. */
export interface ServerSettings extends Material {
  /** Requests at once, bodies under way included; the client's own limit where it is left out. */
  readonly concurrency?: number | undefined;
  /** Whether the operator allows that credentials go to it over plain HTTP, in clear. */
  readonly allowHttp?: boolean | undefined;
}

/** Whether credentials may go to `url`: over plain HTTP only on this machine, and where the operator says so. */
export function mayHaveCredentials(url: URL, servers: (host: string) => ServerSettings): boolean {
  return url.protocol === 'https:' || isLoopback(url.host) || settingsOf(url, servers).allowHttp === true;
}

/** The settings for the server of `url`; Docker Hub is looked up by the name that people know. */
export function settingsOf(url: URL, servers: (host: string) => ServerSettings): ServerSettings {
  return servers(url.host === DOCKER_HUB_HOST ? DOCKER_HUB : url.host);
}
