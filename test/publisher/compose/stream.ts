import assert from 'node:assert/strict';
import type { Publication } from '../../../publisher/publication/backend.ts';
import type { Entry, ExtendedAttributes } from '../../../publisher/publication/entry.ts';
import type { BytePath } from '../../../core/system/byte-path.ts';
import type { Kind, RepositoryView } from '../../../publisher/publication/view.ts';
import { eachOf } from '../repository/entries.ts';

/** An entry of a stream, read. */
export interface StreamEntry {
  readonly path: BytePath;
  readonly kind: Kind | 'link';
  /** Content of a file, target of a link. */
  readonly text: string;
  readonly entry: Entry;
  /** Whether it comes with the names, after all trees. */
  readonly isName: boolean;
}

/** A publication whose stream has been read to its end. */
export interface Stream {
  readonly publication: Publication;
  readonly entries: readonly StreamEntry[];
  readonly xattrs: readonly ExtendedAttributes[];
}

export async function readStream(publication: Publication): Promise<Stream> {
  const entries: StreamEntry[] = [];
  for await (const entry of eachOf(publication.trees())) entries.push(await readEntry(entry, false));
  for (const entry of publication.names) entries.push(await readEntry(entry, true));
  const xattrs: ExtendedAttributes[] = [];
  for await (const one of publication.xattrs?.() ?? []) xattrs.push(one);
  return { publication, entries, xattrs };
}

async function readEntry(entry: Entry, isName: boolean): Promise<StreamEntry> {
  const common = { path: entry.path, entry, isName };
  switch (entry.type) {
    case 'directory':
      return { ...common, kind: 'directory', text: '' };
    case 'file': {
      const parts: Uint8Array[] = [];
      for await (const part of entry.content) parts.push(part);
      const content = Buffer.concat(parts);
      assert.equal(content.length, entry.sizeBytes, entry.path);
      return { ...common, kind: 'file', text: content.toString('latin1') };
    }
    case 'link':
      return { ...common, kind: 'link', text: entry.target };
    case 'symlink':
      return { ...common, kind: 'symlink', text: entry.target };
    case 'character-device':
    case 'block-device':
    case 'fifo':
      return { ...common, kind: 'other', text: '' };
  }
}

/** The rules that every stream keeps, whatever it is for: those of `cvmfs_server ingest`, and those of the design. */
export async function assertSound(view: RepositoryView, stream: Stream): Promise<void> {
  await assertDeletions(view, stream);
  await assertPlaces(view, stream);
  await assertLinks(view, stream);
  assertNamesLast(stream);
  assertXattrs(stream);
  const bytes = stream.entries.reduce((sum, { kind, text }) => sum + (kind === 'file' ? text.length : 0), 0);
  assert.equal(stream.publication.contentBytes, bytes, 'contentBytes');
}

/** What goes is there, is named once, and nothing in the stream is in it. */
async function assertDeletions(view: RepositoryView, { publication, entries }: Stream): Promise<void> {
  const all = [...publication.deletions, ...publication.outdated];
  const gone = new Set(all);
  assert.equal(gone.size, all.length, 'a path is deleted twice');
  for (const path of gone) {
    assert.notEqual(await view.kindOf(path), undefined, `${path} is deleted, and is not there`);
    for (const above of foldersOf(path)) assert.ok(!gone.has(above), `${path} is deleted with ${above}`);
  }
  for (const { path } of entries) {
    for (const at of [path, ...foldersOf(path)]) assert.ok(!gone.has(at), `${path} is deleted and added`);
  }
}

/** Every path is a clean one, comes once, has its folder before it, and keeps to what is published there. */
async function assertPlaces(view: RepositoryView, { publication, entries }: Stream): Promise<void> {
  const folders = new Set<BytePath>(['']);
  const seen = new Set<BytePath>();
  for (const { path, kind } of entries) {
    assert.ok(!seen.has(path), `${path} comes twice`);
    seen.add(path);
    for (const component of path.split('/')) assert.match(component, /^(?!\.{1,2}$)[^\0/]{1,255}$/s, path);
    const folder = foldersOf(path)[0] ?? '';
    const isThere = folders.has(folder) || (await view.kindOf(folder)) === 'directory';
    assert.ok(isThere && !publication.deletions.includes(folder), `${path} comes before its folder`);
    const published = await view.kindOf(path);
    if (published !== undefined)
      assert.equal(published === 'directory', kind === 'directory', `${path} replaces a ${published}`);
    if (published !== undefined)
      assert.equal(published === 'other', kind === 'other', `${path} replaces a ${published}`);
    if (kind === 'directory') folders.add(path);
  }
}

/** Links come after the files that they name: in the stream, or in the repository; never other links. */
async function assertLinks(view: RepositoryView, { publication, entries }: Stream): Promise<void> {
  const files = new Set<BytePath>();
  const all = new Set(entries.map(({ path }) => path));
  for (const { path, kind, text } of entries) {
    if (kind === 'file') files.add(path);
    if (kind !== 'link' || files.has(text)) continue;
    assert.ok(!all.has(text), `${path} links to ${text}, which is no file before it in the stream`);
    assert.equal(await view.kindOf(text), 'file', `${path} links to ${text}`);
    assert.ok(!publication.deletions.includes(text), `${path} links to ${text}, which is deleted`);
  }
}

/** Public names are the symbolic links outside our own folders: all that follows the first is such, or a folder. */
function assertNamesLast({ entries }: Stream): void {
  const first = entries.findIndex(({ path, kind }) => kind === 'symlink' && !OWN_FOLDER.test(path));
  if (first === -1) return;
  for (const { path, kind, isName } of entries.slice(first)) {
    assert.ok(isName && !OWN_FOLDER.test(path), `${path} comes after a public name`);
    assert.ok(kind === 'symlink' || kind === 'directory', `${path} comes after a public name`);
  }
  for (const { path, isName } of entries) {
    if (path.startsWith('.metadata') || path.startsWith('.unpackd')) assert.ok(isName, path);
  }
}

const OWN_FOLDER = /^\.(?!multiarch(?:\/|$))|(?:^|\/)podmanStore(?:\/|$)/;

/** Attributes belong to what the trees bring, and can hold them. */
function assertXattrs({ publication, entries, xattrs }: Stream): void {
  const kinds = new Map(entries.map(({ path, kind, isName }) => [path, isName ? undefined : kind]));
  assert.equal(publication.xattrs !== undefined, xattrs.length > 0);
  for (const { path, values } of xattrs) {
    assert.ok(['directory', 'file', 'link'].includes(kinds.get(path) ?? ''), `${path} has attributes`);
    assert.ok(values.size > 0, path);
  }
}

/** The folders above `path`, lowest first. */
function foldersOf(path: BytePath): BytePath[] {
  const folders: BytePath[] = [];
  for (let slash = path.lastIndexOf('/'); slash !== -1; slash = path.lastIndexOf('/', slash - 1)) {
    folders.push(path.slice(0, slash));
    if (slash === 0) break;
  }
  return folders;
}
