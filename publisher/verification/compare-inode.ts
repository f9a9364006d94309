import { displayPath, type BytePath } from '../../core/system/byte-path.ts';
import { publishable } from '../compose/xattrs.ts';
import type { Attributes } from '../publication/entry.ts';
import type { Inode, RepositoryView } from '../publication/view.ts';
import type { SameContent } from '../compose/sharing/file-records.ts';
import type { AnyNode, DirectoryNode, FileNode, ForeignLinkNode, LayerDirectoryNode } from '../tree/node.ts';
import { WHITEOUT_ATTRIBUTES } from '../compose/tree-entries.ts';
import { compareTarget } from './compare-entry.ts';
import type { AskedCapabilities } from './asked-capabilities.ts';
import { shownMode, shownOwner, shownTime, type Finding, type Findings } from './finding.ts';

/** A node that is published. */
export type PublishedNode = Exclude<AnyNode, ForeignLinkNode>;

export interface Comparing {
  readonly view: RepositoryView;
  readonly capabilities: AskedCapabilities;
  readonly findings: Findings;
  /** Whether files may have the times of others that are the same. */
  readonly sameContent: SameContent;
}

const SET_ID_BITS = 0o6000;
const OWNER_MAY_READ = 0o400;

export type PublishedType = Exclude<Inode['type'], 'socket'>;

/** The type of the inode that `node` becomes. */
export function inodeType(node: PublishedNode): PublishedType {
  return node.type === 'whiteout' ? 'character-device' : node.type;
}

/** Compares what an inode of the right type is like with what would be published, as far as the repository holds that. */
export async function compareInode(
  node: PublishedNode,
  path: BytePath,
  found: Inode,
  comparing: Comparing,
): Promise<void> {
  const expected = node.type === 'whiteout' ? WHITEOUT_ATTRIBUTES : node.attributes;
  await compareAttributes({ expected, node, found, path }, comparing);
  const { findings, view } = comparing;
  switch (node.type) {
    case 'file':
      if (found.sizeBytes !== node.sizeBytes)
        findings.add({
          kind: 'size',
          path,
          expected: `${node.sizeBytes} bytes`,
          found: `${found.sizeBytes} bytes`,
        });
      await compareXattrs(node, path, comparing);
      return;
    case 'directory':
      await compareXattrs(node, path, comparing);
      return;
    case 'symlink':
      await compareTarget({ path, target: node.target }, 'target', { view, findings });
      return;
    case 'whiteout':
      compareDevice({ major: 0, minor: 0 }, path, found, findings);
      return;
    case 'character-device':
    case 'block-device':
      compareDevice(node, path, found, findings);
      return;
    case 'fifo':
      return;
  }
}

function compareDevice(
  { major, minor }: Pick<Inode, 'major' | 'minor'>,
  path: BytePath,
  found: Inode,
  findings: Findings,
): void {
  if (found.major === major && found.minor === minor) return;
  findings.add({
    kind: 'device',
    path,
    expected: `${major}:${minor}`,
    found: `${found.major}:${found.minor}`,
  });
}

interface Compared {
  readonly expected: Attributes;
  readonly node: PublishedNode;
  readonly found: Inode;
  readonly path: BytePath;
}

async function compareAttributes(compared: Compared, comparing: Comparing): Promise<void> {
  const { node, path } = compared;
  const { capabilities, findings } = comparing;
  const wrong = await wrongAttributes(compared, comparing);
  for (const found of wrong) findings.add({ ...found, path });
  if (wrong.length === 0 || node.type !== 'directory') return;
  if ((await capabilities.given()).changesDirectories === 'never') findings.mustGo(path);
}

async function wrongAttributes(
  { expected, node, found: { attributes } }: Compared,
  { capabilities, sameContent }: Comparing,
): Promise<Omit<Finding, 'path'>[]> {
  const isOwned = await capabilities.takesOwner(expected);
  const { exposes } = await capabilities.given();
  const isExposed = node.type === 'file' && exposes.setId;
  const mode = isOwned === true && !isExposed ? expected.mode : expected.mode & ~SET_ID_BITS;
  const time = await timeKept(expected.mtime, capabilities);
  const wrong: Omit<Finding, 'path'>[] = [];
  if (isOwned === true && shownOwner(attributes) !== shownOwner(expected))
    wrong.push({ kind: 'owner', expected: shownOwner(expected), found: shownOwner(attributes) });
  const isModeRight =
    attributes.mode === mode || (isOwned === undefined && attributes.mode === expected.mode);
  // Links have none of their own.
  if (node.type !== 'symlink' && !isModeRight)
    wrong.push({ kind: 'mode', expected: shownMode({ mode }), found: shownMode(attributes) });
  if (!isTimeRight(node, time, attributes.mtime, sameContent))
    wrong.push({ kind: 'time', expected: shownTime(time), found: shownTime(attributes.mtime) });
  return wrong;
}

async function timeKept(seconds: number, capabilities: AskedCapabilities): Promise<number> {
  // Every file system has 32 bits: then it need not be asked.
  if (seconds >= -(2 ** 31) && seconds < 2 ** 31) return seconds;
  const { earliestTime, latestTime } = await capabilities.given();
  return Math.min(Math.max(seconds, earliestTime), latestTime);
}

function isTimeRight({ type }: PublishedNode, expected: number, found: number, rule: SameContent): boolean {
  return (type === 'file' && rule === 'ignore-mtime') || isSameTime(expected, found);
}

/** Parts of a second are kept by some, and rounded by others. */
function isSameTime(expected: number, found: number): boolean {
  if (Math.floor(expected) === Math.floor(found)) return true;
  return !Number.isInteger(expected) && Math.abs(expected - found) <= 1;
}

/** Those that an image can bring: all others are the system's, or of a client that has attributes of its own. */
function isOurs(name: string, hasOthers: boolean): boolean {
  if (name === 'security.capability' || name === 'trusted.overlay.opaque') return true;
  return name.startsWith(hasOthers ? 'user.overlay.' : 'user.');
}

async function compareXattrs(
  node: FileNode | DirectoryNode | LayerDirectoryNode,
  path: BytePath,
  { view, capabilities, findings }: Comparing,
): Promise<void> {
  const all = publishable(node);
  const kept = await capabilities.keptXattrs(all);
  const found = await view.xattrsOf(path);
  const isUnseen = process.geteuid?.() !== 0 && (node.attributes.mode & OWNER_MAY_READ) === 0;
  const wrong = [
    ...[...(isUnseen ? [] : (kept ?? []))].filter(([name, value]) => found.get(name) !== value),
    ...[...found].filter(([name, value]) => isOurs(name, view.addsXattrs) && all.get(name) !== value),
  ].map(([name]) => name);
  if (wrong.length === 0) return;
  findings.add({ kind: 'xattr', path, expected: shown(kept ?? all, wrong), found: shown(found, wrong) });
  // A directory that stays keeps its own.
  if (node.type === 'directory') findings.mustGo(path);
}

const MOST_SHOWN = 3;
const LONGEST_VALUE = 40;

function shown(values: ReadonlyMap<string, string>, names: readonly string[]): string {
  const some = names.slice(0, MOST_SHOWN).map((name) => {
    const value = values.get(name);
    return value === undefined ? `no ${name}` : `${name}=${value.slice(0, LONGEST_VALUE)}`;
  });
  return displayPath(some.join(' '));
}
