import type { ImageMeter } from '../image/image-limits.ts';
import { type BytePath, displayPath, joinPath } from '../../core/system/byte-path.ts';
import { isTooLong, unsafe } from '../layer/member-path.ts';
import { Failure } from '../../core/failure.ts';
import { isCvmfsReserved } from './cvmfs-reserved.ts';

/** Any kind of tree, as far as path resolution needs it. */
export interface Branch<N> {
  readonly type: string;
  /** Of a directory. */
  readonly children?: { get(name: string): N | undefined };
  /** Of a symbolic link. */
  readonly target?: string;
}

/** As many links as Linux follows in one path (path_resolution(7)). */
const MOST_LINKS = 40;

/**
 * Follows the symbolic links in `path` as a process whose root is the tree would: an absolute target starts at the
 * tree's root, and `..` never leads above it. The last component is followed too. What does not exist is taken as it is
 * written. `undefined`: the links lead in a circle. Each component, those of links too, is a step of `meter`'s.
 */
export function resolvePath<N extends Branch<N>>(
  root: N,
  path: BytePath,
  meter: ImageMeter,
): BytePath | undefined {
  const pending = reversedComponents(path);
  const resolved: { component: string; node: N | undefined }[] = [];
  let links = 0;
  for (let component = pending.pop(); component !== undefined; component = pending.pop()) {
    meter.charge();
    if (component === '..') {
      resolved.pop();
      continue;
    }
    const node = childOf(resolved.length === 0 ? root : resolved.at(-1)?.node, component);
    if (node?.type !== 'symlink' || node.target === undefined) {
      resolved.push({ component, node });
      continue;
    }
    if (++links > MOST_LINKS) return undefined;
    if (node.target.startsWith('/')) resolved.length = 0;
    for (const next of reversedComponents(node.target)) pending.push(next);
  }
  return resolved.map((step) => step.component).join('/');
}

function childOf<N extends Branch<N>>(folder: N | undefined, name: string): N | undefined {
  return folder?.children?.get(name);
}

function reversedComponents(path: string): string[] {
  return path
    .split('/')
    .filter((component) => component !== '' && component !== '.')
    .toReversed();
}

/** Path of the entry that `path` names: links on the way are followed, the last component is not. `undefined`: a circle. */
export function entryPath<N extends Branch<N>>(
  root: N,
  path: BytePath,
  meter: ImageMeter,
): BytePath | undefined {
  const slash = path.lastIndexOf('/');
  const folder = slash === -1 ? '' : resolvePath(root, path.slice(0, slash), meter);
  return folder === undefined ? undefined : joinPath(folder, path.slice(slash + 1));
}

/** The node at {@link entryPath}. */
export function entryAt<N extends Branch<N>>(root: N, path: BytePath, meter: ImageMeter): N | undefined {
  const at = entryPath(root, path, meter);
  return at === undefined ? undefined : nodeAt(root, at);
}

/** The node at exactly `path`, no link followed. */
export function nodeAt<N extends Branch<N>>(root: N, path: BytePath): N | undefined {
  if (path === '') return root;
  let node: N | undefined = root;
  for (const component of path.split('/')) node = node?.children?.get(component);
  return node;
}

/**
 * The folder that `path` leads to in `root`, symbolic links followed: where members below `path` go.
 *
 * @throws Failure `layer-refused` where the links lead in a circle, or to what {@link checkPlace} refuses
 */
export function memberFolder<N extends Branch<N>>(root: N, path: BytePath, meter: ImageMeter): BytePath {
  const folder = resolvePath(root, path, meter);
  if (folder === undefined) throw refused(path, 'leads through symbolic links in a circle');
  checkPlace(folder);
  return folder;
}

/** @throws Failure `layer-refused` where links have led to a path that no member's own name may be */
export function checkPlace(path: BytePath): void {
  if (isTooLong(path)) throw refused(path.slice(0, 200), '…, where symbolic links lead, is too long a path');
  if (isCvmfsReserved(path)) throw refused(path, 'is a place where CernVM-FS takes orders');
}

/** Failure for a hard link at `path` to anything but a file of the image. */
export function brokenLink(path: BytePath, target: BytePath): Failure {
  const names = `the hard link ${displayPath(path)} names ${displayPath(target)}`;
  return new Failure('layer-corrupt', `${names}, which is not a file of the image`, {
    hint: 'the image is broken: build it again',
  });
}

function refused(path: BytePath, reason: string): Failure {
  return unsafe(`${displayPath(path)} ${reason}`);
}
