import type { Material } from '../../../wishlist/network/material.ts';

/** How one server is connected to. */
export interface ServerSettings extends Material {
  /** Requests at once, bodies under way included; the client's own limit where it is left out. */
  readonly concurrency?: number | undefined;
}

const DOCKER_HUB_HOST = 'registry-1.docker.io';

/** The settings for the server of `url`; Docker Hub is looked up by the name that people know. */
export function settingsOf(url: URL, servers: (host: string) => ServerSettings): ServerSettings {
  return servers(url.host === DOCKER_HUB_HOST ? 'docker.io' : url.host);
}
