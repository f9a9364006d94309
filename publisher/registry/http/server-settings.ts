import type { Material } from '../../../wishlist/network/material.ts';
import { DOCKER_HUB, DOCKER_HUB_HOST } from '../endpoint.ts';

/** How one server is connected to. */
export interface ServerSettings extends Material {
  /** Requests at once, bodies under way included; the client's own limit where it is left out. */
  readonly concurrency?: number | undefined;
}

/** The settings for the server of `url`; Docker Hub is looked up by the name that people know. */
export function settingsOf(url: URL, servers: (host: string) => ServerSettings): ServerSettings {
  return servers(url.host === DOCKER_HUB_HOST ? DOCKER_HUB : url.host);
}
