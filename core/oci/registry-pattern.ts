import type { ImageReference } from './reference.ts';
import { isRepositoryPath, parseRegistry } from './registry-host.ts';

/**
 * Reads which images of registries are meant: `HOST[:PORT]`, or `*.DOMAIN[:PORT]` for all hosts of a domain, and with
 * `/PATH` behind it those alone whose repository is that path or below it.
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

/** Whether one of `patterns`, as {@link parseRegistryPattern} gives them, means the image. */
export function matchesRegistry(
  patterns: readonly string[],
  { registry, repository }: Pick<ImageReference, 'registry' | 'repository'>,
): boolean {
  const name = `${registry}/${repository}/`;
  return patterns.some((pattern) => {
    if (!pattern.startsWith('*.')) return name.startsWith(`${pattern}/`);
    const [domain = '', ...path] = pattern.slice(1).split('/');
    return registry.endsWith(domain) && name.startsWith(`${[registry, ...path].join('/')}/`);
  });
}
