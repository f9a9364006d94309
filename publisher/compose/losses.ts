import { isUtf8 } from 'node:buffer';
import { Failure } from '../../core/failure.ts';
import type { Attributes, Entry, FileEntry, Slice } from '../publication/entry.ts';
import { displayPath, pathBuffer, type BytePath } from '../../core/system/byte-path.ts';
import { LONGEST_PATH_BYTES } from '../layer/member-path.ts';
import { LINUX_LIMITS, type RepositoryCapabilities } from '../publication/capabilities.ts';
import {
  EMPTY_TREE,
  type AnyNode,
  type DeviceNode,
  type TreeNode,
  walk,
  walkAny,
  type Visit,
} from '../tree/node.ts';
import type { ImageMeter } from '../image/image-limits.ts';
import type { Sliced } from '../../core/turns.ts';
import type { StackedLayer } from '../tree/image-trees.ts';
import { overlayFolders } from './overlay-folders.ts';
import type { PublishedTree } from '../outputs/output.ts';
import { CAPABILITY, OPAQUE, publishable, unpublishable, type KeptXattrs } from './xattrs.ts';
import { formatBytes, counted } from '../../core/text.ts';

/** Publish an image with warnings where something of it cannot be kept, or fail it. */
export type LossPolicy = 'warn' | 'refuse';

/** The trees to be written of an image, and its layers. */
export interface Brought {
  readonly stack: readonly StackedLayer[];
  /** The trees that the repository lacks. */
  readonly trees: readonly PublishedTree[];
  readonly hasLayers: boolean;
}

export interface LossTools {
  readonly capabilities: RepositoryCapabilities;
  readonly xattrs: KeptXattrs;
  readonly meter: ImageMeter;
}

const EXAMPLES = 3;

type Kind =
  'reserved' | 'owner' | 'time' | 'device' | 'privilege' | 'xattr' | 'foreign-xattr' | 'overlay' | 'large';

/** Not a loss, but users should know of it. */
const REMARK: Kind = 'large';

/** Counts what of an image is not kept, and what else is to be said: a line for each kind with examples, however much it is. */
class Losses {
  readonly #found = new Map<Kind, { paths: number; examples: string[] }>();

  /** `detail`: what of it is lost, where that is not all. */
  add(kind: Kind, path: BytePath, detail?: string): void {
    const found = this.#found.get(kind) ?? { paths: 0, examples: [] };
    this.#found.set(kind, found);
    found.paths++;
    if (found.examples.length >= EXAMPLES) return;
    const shown = path === '' ? '/' : displayPath(path);
    found.examples.push(detail === undefined ? shown : `${shown}: ${detail}`);
  }

  get isAny(): boolean {
    return [...this.#found.keys()].some((kind) => kind !== REMARK);
  }

  lines({ xattrsReason }: RepositoryCapabilities): string[] {
    return [...this.#found].map(([kind, { paths, examples }]) => {
      const more = paths > examples.length ? `, and ${paths - examples.length} more` : '';
      return `${sentence(kind, paths, xattrsReason)} (${examples.join(', ')}${more})`;
    });
  }
}

function sentence(kind: Kind, paths: number, xattrsReason: string): string {
  const entries = counted(paths, 'path');
  switch (kind) {
    case 'reserved':
      return `${entries} left out, since CernVM-FS would act on them`;
    case 'owner':
      return `the owners of ${entries} are not kept: this user cannot give files to them here`;
    case 'time':
      return `the times of ${entries} are not kept: they are beyond what files can have`;
    case 'device':
      return `${counted(paths, 'device is', 'devices are')} left out: this user cannot make them here`;
    case 'privilege':
      return `what gives rights on this machine is left out of ${entries}, since everybody here could use it: see "Set-user-ID programs and devices" in docs/operators.md`;
    case 'xattr':
      return `extended attributes of ${entries} are lost: ${xattrsReason}`;
    case 'foreign-xattr':
      return `extended attributes of ${entries} are not published: overlay file systems would act on them, or only the kernel that set them understands them`;
    case 'overlay':
      return `overlay mounts of .layers (podman, containerd) show ${entries} other than the image has them`;
    case 'large':
      return `clients fetch ${counted(paths, 'large file')} whole, and some cannot open files of that size: see "Large files" in docs/operators.md`;
  }
}

/**
 * Describes what the repository does not keep of an image, or its clients have trouble with. Judges the final root file
 * system: nothing that an upper layer replaces is a loss.
 *
 * @throws Failure `image-incomplete` for what cannot be there at all, and with the policy `refuse` for any loss
 */
export function* lossesOf(brought: Brought, tools: LossTools, policy: LossPolicy): Sliced<string[]> {
  const { capabilities, meter } = tools;
  for (const tree of brought.trees) yield* checkNames(tree, capabilities, meter);
  const losses = new Losses();
  for (const path of droppedIn(brought)) losses.add('reserved', path);
  const finding = { ...tools, losses };
  for (const { path, node } of walk<TreeNode>(brought.stack.at(-1)?.rootfs ?? EMPTY_TREE)) {
    if (meter.step()) yield;
    findIn(node, path, finding);
  }
  if (brought.hasLayers) yield* findInLayers(brought.stack, finding);
  const lines = losses.lines(capabilities);
  if (policy === 'warn' || !losses.isAny) return lines;
  throw new Failure('image-incomplete', lines.join('; '), {
    hint: 'allow it with --on-loss warn, or see what the repository lacks in docs/operators.md',
  });
}

/** Of the layers that the image brings: in trees of their own, or within the flat one. */
function droppedIn({ stack, trees }: Brought): Set<BytePath> {
  const brought = stack.filter(({ layerTree }) =>
    trees.some(({ rootNode, files }) => rootNode === layerTree.root || files === 'copied'),
  );
  return new Set(brought.flatMap(({ layerTree }) => layerTree.dropped));
}

/** The entries as the repository can hold them, and as they may stand there. */
export function held(slice: Slice, capabilities: RepositoryCapabilities): Slice {
  const { setId } = capabilities.exposes;
  return slice
    .filter((entry) => !isLeftOut(entry, capabilities))
    .map((entry) => (setId && entry.type === 'file' ? withoutSetId(entry) : entry));
}

function withoutSetId(file: FileEntry): FileEntry {
  if (!hasSetId(file.attributes)) return file;
  return { ...file, attributes: { ...file.attributes, mode: file.attributes.mode & ~SET_ID_BITS } };
}

export function isLeftOut(
  item: Entry | AnyNode,
  { takesDevices, exposes }: Pick<RepositoryCapabilities, 'takesDevices' | 'exposes'>,
): boolean {
  return isRealDevice(item) && (!takesDevices || exposes.devices);
}

function hasSetId({ mode }: Attributes): boolean {
  return (mode & SET_ID_BITS) !== 0;
}

const SET_ID_BITS = 0o6000;

/** Reports whether it is a device that can be read or written. */
function isRealDevice(item: Entry | AnyNode): boolean {
  return (item.type === 'character-device' || item.type === 'block-device') && !isDeletion(item);
}

/** Anybody may make a character device 0:0, by which overlay file systems delete. */
function isDeletion({ type, major, minor }: Pick<DeviceNode, 'type' | 'major' | 'minor'>): boolean {
  return type === 'character-device' && major === 0 && minor === 0;
}

interface Finding extends LossTools {
  readonly losses: Losses;
}

function findIn(node: TreeNode, path: BytePath, finding: Finding): void {
  const { losses, capabilities } = finding;
  findInAttributes(node.attributes, path, finding);
  switch (node.type) {
    case 'directory':
      findXattrs(node, path, finding);
      return;
    case 'file':
      findXattrs(node, path, finding);
      if (capabilities.exposes.setId && hasSetId(node.attributes))
        losses.add('privilege', path, 'set-ID bits');
      if (node.sizeBytes > capabilities.largeFileBytes)
        losses.add('large', path, formatBytes(node.sizeBytes));
      return;
    case 'character-device':
    case 'block-device':
      if (isDeletion(node)) losses.add('overlay', path);
      else findInDevice(path, finding);
      return;
    case 'symlink':
    case 'fifo':
      return;
  }
}

function findInDevice(path: BytePath, { losses, capabilities }: Finding): void {
  if (!capabilities.takesDevices) losses.add('device', path);
  else if (capabilities.exposes.devices) losses.add('privilege', path, 'device');
}

function findInAttributes(attributes: Attributes, path: BytePath, { losses, capabilities }: Finding): void {
  if (!capabilities.takesOwner(attributes)) losses.add('owner', path);
  if (!isTimeKept(attributes.mtime, capabilities)) losses.add('time', path);
}

function isTimeKept(mtime: number, capabilities: RepositoryCapabilities): boolean {
  // Every file system has 32 bits: then it need not be asked.
  if (mtime >= -(2 ** 31) && mtime < 2 ** 31) return true;
  return mtime >= capabilities.earliestTime && mtime <= capabilities.latestTime;
}

function findXattrs(
  node: Parameters<typeof publishable>[0],
  path: BytePath,
  { losses, capabilities, xattrs }: Finding,
): void {
  const foreign = unpublishable(node);
  if (foreign.length > 0) losses.add('foreign-xattr', path, shownNames(foreign));
  const values = publishable(node);
  if (values.size === 0) return;
  const isExposed = capabilities.exposes.setId && values.has(CAPABILITY);
  if (isExposed) losses.add('privilege', path, 'capabilities');
  const lost = xattrs.lostOf(values).filter((name) => !isExposed || name !== CAPABILITY);
  if (lost.length > 0) losses.add('xattr', path, shownNames(lost));
}

function shownNames(names: readonly string[]): string {
  return displayPath(names.slice(0, EXAMPLES).join(' '));
}

/** Losses visible only to overlay mounts of the layers. */
function* findInLayers(stack: readonly StackedLayer[], { losses, xattrs, meter }: Finding): Sliced<void> {
  for (const found of overlayFolders(stack, meter)) {
    if (found === undefined) {
      yield;
      continue;
    }
    const { path, differs, isOpaque } = found;
    if (differs) losses.add('overlay', path);
    if (isOpaque && xattrs.lostOf(OPAQUE).length > 0) losses.add('xattr', path, 'opaque in .layers');
  }
}

/** Names and paths are the only things without which nothing is left of an entry: such an image is not published. */
function* checkNames(
  { root, rootNode }: PublishedTree,
  capabilities: RepositoryCapabilities,
  meter: ImageMeter,
): Sliced<void> {
  const { longestNameBytes, longestTargetBytes, longestPathBytes, takesAnyBytes } = capabilities;
  const isRoomy =
    longestNameBytes >= LINUX_LIMITS.longestNameBytes &&
    longestTargetBytes >= LINUX_LIMITS.longestTargetBytes &&
    longestPathBytes > root.length + LONGEST_PATH_BYTES;
  // Names were checked when the layer was read: nothing can be wrong with them here.
  if (isRoomy && takesAnyBytes) return;
  for (const { path, node } of walkAny(rootNode)) {
    if (meter.step()) yield;
    const reason = unholdableReason({ path, node }, root, capabilities);
    if (reason !== undefined) throw unholdable(path, reason);
  }
}

/** Why the repository cannot hold what is at `path` below `root`; `undefined`: it can. */
function unholdableReason(
  { path, node }: Pick<Visit<AnyNode>, 'path' | 'node'>,
  root: BytePath,
  { longestNameBytes, longestTargetBytes, longestPathBytes, takesAnyBytes }: RepositoryCapabilities,
): string | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const pathBytes = root.length + 1 + path.length;
  if (name.length > longestNameBytes) return `has a name of ${name.length} bytes`;
  if (pathBytes > longestPathBytes) return `would be a path of ${pathBytes} bytes`;
  if (!takesAnyBytes && !isUtf8(pathBuffer(name))) return 'has a name that is not UTF-8';
  if (node.type === 'symlink' && node.target.length > longestTargetBytes)
    return `is a symbolic link to ${node.target.length} bytes`;
  return undefined;
}

function unholdable(path: BytePath, reason: string): Failure {
  const shown = displayPath(path.length > SHOWN_BYTES ? `${path.slice(0, SHOWN_BYTES)}…` : path);
  return new Failure('image-incomplete', `${shown} ${reason}, more than this repository can hold`, {
    hint: 'keep the repository on another file system, at a shorter path, or rebuild the image',
  });
}

const SHOWN_BYTES = 200;
