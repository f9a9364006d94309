import type { BytePath } from '../repository/entry.ts';

/** What path resolution needs to know of a node: every kind of tree has it. */
interface Branch<N> {
  readonly type: string;
  /** Of a directory. */
  readonly children?: ReadonlyMap<string, N>;
  /** Of a symbolic link. */
  readonly target?: string;
}

/** As many links as Linux follows in one path (path_resolution(7)). */
const MOST_LINKS = 40;

/**
 * Follows the symbolic links in `path` as a process whose root is the tree would: an absolute target starts at the
 * tree's root, and `..` never leads above it. The last component is followed too. What does not exist is taken as it is
 * written. `undefined`: the links lead in a circle.
 */
export function resolvePath<N extends Branch<N>>(root: N, path: BytePath): BytePath | undefined {
  const pending = path.split('/').toReversed();
  const resolved: string[] = [];
  let links = 0;
  for (let component = pending.pop(); component !== undefined; component = pending.pop()) {
    if (component === '' || component === '.') continue;
    if (component === '..') {
      resolved.pop();
      continue;
    }
    const node = nodeAt(root, [...resolved, component].join('/'));
    if (node?.type !== 'symlink' || node.target === undefined) {
      resolved.push(component);
      continue;
    }
    links++;
    if (links > MOST_LINKS) return undefined;
    if (node.target.startsWith('/')) resolved.length = 0;
    pending.push(...node.target.split('/').toReversed());
  }
  return resolved.join('/');
}

/** The node at exactly `path`, no link followed. */
export function nodeAt<N extends Branch<N>>(root: N, path: BytePath): N | undefined {
  if (path === '') return root;
  let node: N | undefined = root;
  for (const component of path.split('/')) node = node?.children?.get(component);
  return node;
}
