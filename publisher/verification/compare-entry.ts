import { displayPath, type BytePath } from '../../core/system/byte-path.ts';
import { isReplaceable } from '../compose/tree-changes.ts';
import { storedTarget, type Entry, type FileEntry, type SymbolicLinkEntry } from '../publication/entry.ts';
import type { Inode, Kind, RepositoryView } from '../publication/view.ts';
import { shownMode, type Findings, type FindingKind } from './finding.ts';

export interface EntryTools {
  readonly view: RepositoryView;
  readonly findings: Findings;
}

/**
 * Compares an entry of our own making, beside trees. Its owner and time are those of whoever published it, and do not
 * matter. No link is followed on the way to it.
 */
export async function compareEntry(entry: Entry, kind: FindingKind, tools: EntryTools): Promise<void> {
  const { path, type } = entry;
  const { view, findings } = tools;
  if (!(await isFolderReal(path, kind, tools))) return;
  const found = await view.inodeOf(path);
  if (found?.type !== entry.type) {
    wrongEntry({ kind, path, expected: type, found }, findings);
    return;
  }
  if (entry.type === 'symlink') {
    await compareTarget(entry, kind, tools);
  } else if (entry.type === 'file' && !(await hasContent(entry, found, view))) {
    const expected = `${entry.sizeBytes} certain bytes`;
    findings.add({ kind, path, expected, found: `${found.sizeBytes} bytes` });
  } else if (found.attributes.mode !== entry.attributes.mode) {
    findings.add({ kind, path, expected: shownMode(entry.attributes), found: shownMode(found.attributes) });
  }
}

interface WrongEntry {
  readonly kind: FindingKind;
  readonly path: BytePath;
  readonly expected: Entry['type'];
  readonly found: Inode | undefined;
}

/** Notes that there is nothing, or something else, which must go where it cannot be replaced. */
export function wrongEntry({ kind, path, expected, found }: WrongEntry, findings: Findings): void {
  findings.add({ kind, path, expected, found: found?.type ?? 'nothing' });
  if (found !== undefined && !isReplaceable(kindOf(found), expected)) findings.mustGo(path);
}

/** Compares where a symbolic link leads. */
export async function compareTarget(
  entry: Pick<SymbolicLinkEntry, 'path' | 'target' | 'isVariant'>,
  kind: FindingKind,
  { view, findings }: EntryTools,
): Promise<void> {
  const { path } = entry;
  const target = (await view.readLink(path)) ?? '';
  // Release managers show what is stored, clients what is meant.
  if (target === entry.target || target === storedTarget(entry)) return;
  const texts = { expected: displayPath(entry.target), found: displayPath(target) };
  findings.add({ kind: kind === 'metadata' ? 'target' : kind, path, ...texts });
}

/**
 * Looks at the folders above `path`, from the root on: a finding where one is something else, which must go, or is missing.
 *
 * @returns whether all are directories
 */
export async function isFolderReal(
  path: BytePath,
  kind: FindingKind,
  { view, findings }: EntryTools,
): Promise<boolean> {
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
    const folder = path.slice(0, slash);
    const found = await view.kindOf(folder);
    if (found === 'directory') continue;
    findings.add({ kind, path: folder, expected: 'directory', found: found ?? 'nothing' });
    if (found !== undefined) findings.mustGo(folder);
    return false;
  }
  return true;
}

function kindOf({ type }: Inode): Kind {
  return type === 'directory' || type === 'file' || type === 'symlink' ? type : 'other';
}

async function hasContent(
  { path, content, sizeBytes }: FileEntry,
  found: Inode,
  view: RepositoryView,
): Promise<boolean> {
  if (found.sizeBytes !== sizeBytes) return false;
  const expected: Uint8Array[] = [];
  for await (const chunk of content) expected.push(chunk);
  return (await view.read(path))?.equals(Buffer.concat(expected)) === true;
}
