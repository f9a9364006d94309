import type { BytePath } from '../repository/entry.ts';

/** What path resolution needs to know of a node: merged trees and layers' trees both have it. */
export type Resolvable =
  | { readonly type: 'directory'; readonly children: ReadonlyMap<string, Resolvable> }
  | { readonly type: 'symlink'; readonly target: string }
  | { readonly type: Exclude<string, 'directory' | 'symlink'> };

/** As many links as Linux follows in one path (path_resolution(7)). */
const MOST_LINKS = 40;

/**
 * Follows the symbolic links in `path` as a process whose root is the tree would: an absolute target starts at the
 * tree's root, and `..` never leads above it. The last component is followed too.
 *
 * What does not exist is taken as it is written; `undefined` stands for a loop, or a path through something that is
 * neither directory nor link.
 */
export function resolvePath(root: Resolvable, path: BytePath): BytePath | undefined {
  let pending = path.split('/');
  let resolved: string[] = [];
  let links = 0;
  while (pending.length > 0) {
    const [component = '', ...rest] = pending;
    pending = rest;
    if (component === '' || component === '.') continue;
    if (component === '..') {
      resolved.pop();
      continue;
    }
    const node = nodeAt(root, resolved.length === 0 ? component : `${resolved.join('/')}/${component}`);
    if (node !== undefined && isSymlink(node)) {
      links++;
      if (links > MOST_LINKS) return undefined;
      if (node.target.startsWith('/')) resolved = [];
      pending = [...node.target.split('/'), ...rest];
      continue;
    }
    if (node !== undefined && node.type !== 'directory' && rest.length > 0) return undefined;
    resolved.push(component);
  }
  return resolved.join('/');
}

/** The node at exactly `path`, no link followed. */
export function nodeAt<N extends Resolvable>(root: N, path: BytePath): N | undefined {
  let node: N | undefined = root;
  if (path === '') return node;
  for (const component of path.split('/')) {
    if (node === undefined || !isDirectory(node)) return undefined;
    node = node.children.get(component) as N | undefined;
  }
  return node;
}

function isSymlink(node: Resolvable): node is Extract<Resolvable, { target: string }> {
  return node.type === 'symlink';
}

function isDirectory(
  node: Resolvable,
): node is Extract<Resolvable, { children: ReadonlyMap<string, Resolvable> }> {
  return node.type === 'directory';
}
