import type { Endpoint } from '../../../publisher/registry/endpoint.ts';
import { orUndefined } from '../../../core/failure.ts';
import { isRepositoryPath, parseRegistry } from '../../../core/oci/registry-host.ts';
import type { ValueType } from '../value-types.ts';

/** A proxy or a mirror: `[https://|http://]HOST[/PREFIX]`. */
export const endpoint: ValueType<Endpoint> = {
  expected: 'HOST or HOST/PREFIX, such as cache.example.org/dockerhub, with http:// in front for plain HTTP',
  parse: parseEndpoint,
};

/** @returns `undefined` if `text` is not valid */
export function parseEndpoint(text: string): Endpoint | undefined {
  const [, scheme = 'https', host = '', prefix = ''] =
    /^(?:(https?):\/\/)?([^/]*)(?:\/(.*?)\/?)?$/.exec(text) ?? [];
  const registry = registryHost(host);
  if (registry === undefined || !(prefix === '' || isRepositoryPath(prefix))) return undefined;
  return { scheme: scheme === 'http' ? 'http' : 'https', host: registry, prefix };
}

export function endpointText({ scheme, host, prefix }: Endpoint): string {
  const path = prefix === '' ? host : `${host}/${prefix}`;
  return scheme === 'http' ? `http://${path}` : path;
}

/** Parses a registry's host, with its port, to lower case; `undefined` if `text` is not valid. */
export function registryHost(text: string): string | undefined {
  return orUndefined('reference-invalid', () => parseRegistry(text));
}

const NAMES_OF_DOCKER_HUB = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io']);

/** Maps the names that other programs have for Docker Hub to one. */
export function commonName(host: string): string {
  return NAMES_OF_DOCKER_HUB.has(host) ? 'docker.io' : host;
}
