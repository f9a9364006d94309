import type { BytePath } from '../../core/system/byte-path.ts';
import { joinPath, type AnyNode } from './node.ts';

/** What a walk needs to know of a node: every kind of tree has it. */
interface Walkable<N> {
  readonly type: string;
  readonly children?: Iterable<readonly [name: string, node: N]>;
}

export interface Visit<N> {
  readonly path: BytePath;
  readonly node: N;
  /** That it is in; `undefined`: it is the root. */
  readonly folder: N | undefined;
}

/** A directory whose children are being visited. */
interface Open<N> {
  readonly path: BytePath;
  readonly node: N;
  readonly rest: Iterator<readonly [name: string, node: N]>;
}

/**
 * All nodes of a tree, its root first, parents before children and these in their order. However deep the tree is, a step
 * costs the same, and takes no stack.
 */
export function* walk<N extends Walkable<N>>(root: N): Generator<Visit<N>> {
  yield { path: '', node: root, folder: undefined };
  const open = [opened('', root)];
  for (let last = open.at(-1); last !== undefined; last = open.at(-1)) {
    const next = last.rest.next();
    if (next.done === true) {
      open.pop();
      continue;
    }
    const [name, node] = next.value;
    const path = joinPath(last.path, name);
    yield { path, node, folder: last.node };
    if (node.children !== undefined) open.push(opened(path, node));
  }
}

function opened<N extends Walkable<N>>(path: BytePath, node: N): Open<N> {
  return { path, node, rest: (node.children ?? [])[Symbol.iterator]() };
}

/** The same for a tree of whatever kind. */
export function walkAny(root: AnyNode): Generator<Visit<AnyNode>> {
  return walk<AnyNode>(root);
}
