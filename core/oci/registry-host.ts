import { isIPv4, isIPv6 } from 'node:net';
import { Failure } from '../failure.ts';
import { quoted } from '../text.ts';

/** Docker Hub is named after one host and answers at another. */
export const DOCKER_HUB = 'docker.io';
export const DOCKER_HUB_HOST = 'registry-1.docker.io';

const HOST_AND_PORT = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const PORT = /^[1-9][0-9]{0,4}$/;
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const LOOKS_NUMERIC = /^(?:[0-9]+|0x[0-9a-f]*)$/;

/**
 * Whether the first component of a reference names a registry rather than a namespace of Docker Hub: a dot, a port,
 * an IPv6 address in brackets, or `localhost`.
 */
export function looksLikeRegistry(component: string): boolean {
  return /[.:[]/.test(component) || component.toLowerCase() === 'localhost';
}

/**
 * A registry's host with its port, where it has one, in lower case: `quay.io`, `localhost:5000`, `[::1]:5000`.
 *
 * @see RFC 1123, section 2.1; RFC 3986, section 3.2.2
 * @throws Failure `reference-invalid`; the message names the part, not the whole reference
 */
export function parseRegistry(component: string): string {
  const [, host = '', port] = HOST_AND_PORT.exec(component.toLowerCase()) ?? [];
  if (!isHost(host)) {
    throw new Failure(
      'reference-invalid',
      `the registry ${quoted(component)} is not a valid host name or address`,
      {
        hint: 'write REGISTRY[:PORT]/REPOSITORY[:TAG], such as quay.io/fedora/fedora:40 or [::1]:5000/tools/editor:1',
      },
    );
  }
  if (port !== undefined && !(PORT.test(port) && Number(port) <= 65_535)) {
    throw new Failure('reference-invalid', `the registry ${quoted(component)} has no port from 1 to 65535`, {
      hint: 'correct the port, or leave out the colon for the standard port',
    });
  }
  return port === undefined ? host : `${host}:${port}`;
}

/** Returns true where `registry`, with or without a port, is this machine itself: requests to it pass no network. */
export function isLoopback(registry: string): boolean {
  return /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]+)?$/.test(registry);
}

/** Returns true for a repository's path at a registry, or the beginning of one: `library/debian`. */
export function isRepositoryPath(text: string): boolean {
  return text.split('/').every((component) => COMPONENT.test(component));
}

/**
 * Parses a pattern of images: `HOST[:PORT]`, or `*.DOMAIN[:PORT]` for all hosts of a domain, optionally followed by `/PATH`
 * for the repositories at that path or below.
 *
 * @throws Failure `reference-invalid`
 */
export function parseRegistryPattern(text: string): string | undefined {
  const slash = text.indexOf('/');
  const host = slash === -1 ? text : text.slice(0, slash);
  const path = slash === -1 ? undefined : text.slice(slash + 1);
  if (path !== undefined && !isRepositoryPath(path)) return undefined;
  const isDomain = host.startsWith('*.');
  const registry = `${isDomain ? '*.' : ''}${parseRegistry(isDomain ? host.slice(2) : host)}`;
  return path === undefined ? registry : `${registry}/${path}`;
}

/** Tests an image against `patterns` from {@link parseRegistryPattern}. */
export function matchesRegistry(
  patterns: readonly string[],
  { registry, repository }: { readonly registry: string; readonly repository: string },
): boolean {
  const name = `${registry}/${repository}/`;
  return patterns.some((pattern) => {
    if (!pattern.startsWith('*.')) return name.startsWith(`${pattern}/`);
    const [domain = '', ...path] = pattern.slice(1).split('/');
    return registry.endsWith(domain) && name.startsWith(`${[registry, ...path].join('/')}/`);
  });
}

function isHost(host: string): boolean {
  if (host.startsWith('[')) return isIPv6(host.slice(1, -1)) && !host.includes('%');
  if (host.length > 253) return false;
  const labels = host.split('.');
  if (!labels.every((label) => LABEL.test(label))) return false;
  // An HTTP client reads such a host as an IPv4 address, in forms that nobody means (1.2.3 is 1.2.0.3).
  return isIPv4(host) || !LOOKS_NUMERIC.test(labels.at(-1) ?? '');
}
