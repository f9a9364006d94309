import type { Endpoint } from '../../publisher/registry/endpoint.ts';
import { isFailure } from '../../core/failure.ts';
import { isRepositoryPath, parseRegistry } from '../../core/oci/registry-host.ts';
import type { ValueType } from './value-types.ts';

/** A proxy or a mirror: `[https://|http://]HOST[/PREFIX]`. */
export const place: ValueType<Endpoint> = {
  expected: 'HOST or HOST/PREFIX, such as cache.example.org/dockerhub, with http:// in front for plain HTTP',
  parse: parsePlace,
};

/** `undefined` where `text` names no place. */
export function parsePlace(text: string): Endpoint | undefined {
  const [, scheme = 'https', host = '', prefix = ''] =
    /^(?:(https?):\/\/)?([^/]*)(?:\/(.*?)\/?)?$/.exec(text) ?? [];
  const registry = registryHost(host);
  if (registry === undefined || !(prefix === '' || isRepositoryPath(prefix))) return undefined;
  return { scheme: scheme === 'http' ? 'http' : 'https', host: registry, prefix };
}

/** `text` as a registry's host with its port, in lower case; `undefined` where it is none. */
export function registryHost(text: string): string | undefined {
  try {
    return parseRegistry(text);
  } catch (error) {
    if (isFailure(error, 'reference-invalid')) return undefined;
    throw error;
  }
}

const NAMES_OF_DOCKER_HUB = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io']);

/** The one name that other programs' names for a registry come to: Docker Hub has several. */
export function commonName(host: string): string {
  return NAMES_OF_DOCKER_HUB.has(host) ? 'docker.io' : host;
}
