import type { ImageReference } from '../../../core/oci/reference.ts';

/** The grammar of containers/image, docker/reference: a name outside of it makes every listing of the store fail. */
const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const HOST = `${LABEL}(?:\\.${LABEL})*(?::[0-9]+)?`;
const VERSION = '(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127}|@sha256:[0-9a-f]{64})';
const NAME = new RegExp(`^(?<path>${HOST}(?:/${COMPONENT})+)${VERSION}$`);
const LONGEST_PATH_CHARACTERS = 255;

/**
 * What podman calls the image once it has pulled it: by its tag, or by its digest where it is pinned, whatever tag stands
 * beside that.
 */
export function podmanName({ registry, repository, tag, digest }: ImageReference): string {
  const version = digest === undefined ? `:${tag ?? 'latest'}` : `@${digest}`;
  return `${registry}/${repository}${version}`;
}

/** Whether podman can read `name` at all. Hosts that are IPv6 addresses, for one, it cannot. */
export function isPodmanName(name: string): boolean {
  const path = NAME.exec(name)?.groups?.['path'];
  return path !== undefined && path.length <= LONGEST_PATH_CHARACTERS;
}

/** A name without its tag or digest. */
export function pathOf(name: string): string {
  if (isPinned(name)) return name.slice(0, name.indexOf('@'));
  const colon = name.lastIndexOf(':');
  return colon > name.lastIndexOf('/') ? name.slice(0, colon) : name;
}

export function isPinned(name: string): boolean {
  return name.includes('@');
}
