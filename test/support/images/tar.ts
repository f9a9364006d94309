import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { EntryAttributes, LayerEntry, Name } from './layer-entry.ts';
import { endOfArchive, headerBlock, LIMITS, padding, paxRecords } from './tar-header.ts';
import type { Header } from './tar-header.ts';

type NamedEntry = Exclude<LayerEntry, { type: 'raw' }>;

/**
 * The bytes of a tar archive of `entries`, in their order. Names are written exactly; what a header cannot hold goes
 * into pax records.
 */
export async function* tarArchive(entries: Iterable<LayerEntry>): AsyncGenerator<Buffer> {
  for (const entry of entries) {
    if (entry.type === 'raw') yield entry.bytes;
    else yield* namedEntry(entry);
  }
  yield endOfArchive();
}

const TYPES: Readonly<Record<NamedEntry['type'], string>> = {
  file: '0',
  copy: '0',
  link: '1',
  symlink: '2',
  'character-device': '3',
  'block-device': '4',
  directory: '5',
  fifo: '6',
};

async function* namedEntry(entry: NamedEntry): AsyncGenerator<Buffer> {
  const header = headerOf(entry, await sizeOf(entry));
  yield* paxHeader(entry, header);
  yield headerBlock(fitted(header));
  if (entry.type === 'file') yield entry.content;
  if (entry.type === 'copy') yield* createReadStream(entry.source) as AsyncIterable<Buffer>;
  yield padding(header.sizeBytes);
}

async function sizeOf(entry: NamedEntry): Promise<number> {
  if (entry.type === 'file') return entry.content.length;
  return entry.type === 'copy' ? (await stat(entry.source)).size : 0;
}

function headerOf(entry: NamedEntry, sizeBytes: number): Header {
  return {
    name: bytesOf(entry.path),
    type: TYPES[entry.type],
    mode: entry.mode ?? (entry.type === 'directory' ? 0o755 : 0o644),
    uid: entry.uid ?? 0,
    gid: entry.gid ?? 0,
    sizeBytes,
    mtime: entry.mtime ?? 1_700_000_000,
    linkName: 'target' in entry ? bytesOf(entry.target) : Buffer.alloc(0),
    major: 'major' in entry ? entry.major : 0,
    minor: 'minor' in entry ? entry.minor : 0,
  };
}

function* paxHeader(entry: EntryAttributes, header: Header): Generator<Buffer> {
  const records = new Map<string, Buffer>();
  if (header.name.length > LIMITS.nameBytes) records.set('path', header.name);
  if (header.linkName.length > LIMITS.nameBytes) records.set('linkpath', header.linkName);
  if (!fits(header.uid, LIMITS.id)) records.set('uid', Buffer.from(String(header.uid)));
  if (!fits(header.gid, LIMITS.id)) records.set('gid', Buffer.from(String(header.gid)));
  if (!fits(header.mtime, LIMITS.mtime)) records.set('mtime', Buffer.from(String(header.mtime)));
  for (const [name, value] of Object.entries(entry.xattrs ?? {})) {
    records.set(`SCHILY.xattr.${name}`, bytesOf(value));
  }
  for (const [name, value] of Object.entries(entry.pax ?? {})) records.set(name, bytesOf(value));
  if (records.size === 0) return;
  const body = paxRecords(records);
  yield headerBlock({ ...header, ...PAX_HEADER, sizeBytes: body.length });
  yield body;
  yield padding(body.length);
}

const PAX_HEADER = {
  name: Buffer.from('PaxHeaders/entry'),
  type: 'x',
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: 0,
  linkName: Buffer.alloc(0),
  major: 0,
  minor: 0,
};

function fitted(header: Header): Header {
  return {
    ...header,
    uid: fits(header.uid, LIMITS.id) ? header.uid : 0,
    gid: fits(header.gid, LIMITS.id) ? header.gid : 0,
    mtime: Math.min(Math.max(Math.floor(header.mtime), 0), LIMITS.mtime),
  };
}

function fits(value: number, limit: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= limit;
}

function bytesOf(name: Name): Buffer {
  return typeof name === 'string' ? Buffer.from(name) : name;
}
