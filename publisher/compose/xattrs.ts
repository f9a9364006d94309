import type { ExtendedAttributes } from '../publication/entry.ts';
import type { RepositoryCapabilities } from '../publication/capabilities.ts';
import { joinPath } from '../../core/system/byte-path.ts';
import {
  NO_XATTRS,
  type DirectoryNode,
  type FileNode,
  type LayerDirectoryNode,
  walkAny,
} from '../tree/node.ts';
import type { PublishedTree } from '../outputs/output.ts';

type Attributed = FileNode | DirectoryNode | LayerDirectoryNode;

/** Both readers of an opaque directory: root's overlay mounts look at one, rootless ones at the other. */
export const OPAQUE: ReadonlyMap<string, string> = new Map([
  ['trusted.overlay.opaque', 'y'],
  ['user.overlay.opaque', 'y'],
]);

/** Extended attributes that a repository keeps. Cached: many members have the same, and the answer may take a trial on disk. */
export class KeptXattrs {
  readonly #capabilities: RepositoryCapabilities;
  readonly #lost = new WeakMap<ReadonlyMap<string, string>, readonly string[]>();

  constructor(capabilities: RepositoryCapabilities) {
    this.#capabilities = capabilities;
  }

  /** The names of those of `values` that an entry with all of them would lose. */
  lostOf(values: ReadonlyMap<string, string>): readonly string[] {
    if (values.size === 0) return [];
    const lost = this.#lost.get(values) ?? this.#capabilities.lostXattrs(values);
    this.#lost.set(values, lost);
    return lost;
  }

  of(values: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
    if (values.size === 0) return values;
    const lost = new Set(this.lostOf(values));
    if (this.#capabilities.exposes.setId && values.has(CAPABILITY)) lost.add(CAPABILITY);
    if (lost.size === 0) return values;
    return new Map([...values].filter(([name]) => !lost.has(name)));
  }
}

/** Grants rights of root to whoever runs the program: capabilities(7), "File capabilities". */
export const CAPABILITY = 'security.capability';

/** Extended attributes of everything in the tree, as far as the repository takes them. */
export function* treeXattrs(tree: PublishedTree, kept: KeptXattrs): Generator<ExtendedAttributes> {
  for (const { path, node } of walkAny(tree.rootNode)) {
    if (node.type !== 'file' && node.type !== 'directory') continue;
    const values = kept.of(publishable(node));
    if (values.size > 0) yield { path: path === '' ? tree.root : joinPath(tree.root, path), values };
  }
}

/** Of what is not opaque, by what it has: equal attributes are one map. */
const known = new WeakMap<ReadonlyMap<string, string>, ReadonlyMap<string, string>>();

/** The attributes that the repository should have of `node`. */
export function publishable(node: Attributed): ReadonlyMap<string, string> {
  const isOpaque = 'opaque' in node && node.opaque;
  const { xattrs } = node;
  if (xattrs.size === 0) return isOpaque ? OPAQUE : NO_XATTRS;
  const values =
    known.get(xattrs) ?? new Map([...xattrs].filter(([name, value]) => isPublishable(name, value)));
  known.set(xattrs, values);
  return isOpaque ? new Map([...values, ...OPAQUE]) : values;
}

/** The names of those that are never published although the image has them, but for what no unpacker keeps. */
export function unpublishable({ xattrs }: Attributed): string[] {
  if (xattrs.size === 0) return [];
  return [...xattrs]
    .filter(([name, value]) => !isPublishable(name, value) && !OF_THE_BUILDER.has(name))
    .map(([name]) => name);
}

/** Labels and checksums by which the machine that built the image knew its files: nowhere else do they mean anything. */
const OF_THE_BUILDER: ReadonlySet<string> = new Set(['security.selinux', 'security.ima', 'security.evm']);

/**
 * Attributes that an image may set: overlay's own attributes would change how the layer is read, others mean nothing elsewhere.
 * Nor what the kernel refuses to set, for it would stop the publication.
 */
function isPublishable(name: string, value: string): boolean {
  if (name === CAPABILITY) return isCapability(value);
  if (!name.startsWith('user.') || name.startsWith('user.overlay.')) return false;
  const isName = name.length > 'user.'.length && name.length <= LONGEST_NAME_BYTES && !name.includes('\0');
  return isName && value.length <= LONGEST_VALUE_BYTES;
}

/** Revisions 2 and 3: the kernel takes no other (capabilities(7), "File capability extended attribute versioning"). */
function isCapability(value: string): boolean {
  if (value.length < 4) return false;
  const revision = Buffer.from(value, 'latin1').readUInt32LE() & REVISION_MASK;
  return CAPABILITY_BYTES.get(revision) === value.length;
}

const CAPABILITY_BYTES = new Map([
  [0x0200_0000, 20],
  [0x0300_0000, 24],
]);
const REVISION_MASK = 0xff00_0000;

/** xattr(7), "Filesystem differences": the limits of the kernel. */
const LONGEST_NAME_BYTES = 255;
const LONGEST_VALUE_BYTES = 65_536;
