import type { BytePath } from '../../../core/system/byte-path.ts';
import { settableTime } from '../../publication/capabilities.ts';
import { storedTarget } from '../../publication/entry.ts';
import type { Attributes, DeviceEntry, Entry, FileEntry } from '../../publication/entry.ts';
import { BLOCK_BYTES, Chunks } from './chunks.ts';

/**
 * Writes entries as a tar archive for `cvmfs_server ingest`: GNU format, whose long names are plain bytes, where PAX
 * ones are text in a declared character set. Most entries of a publication are hard links with two long names, so that
 * these must be cheap.
 *
 * @see GNU tar manual, "Basic Tar Format" and "Extensions to tar Archive Format"
 */

const SHORT_NAME_BYTES = 100;

/**
 * The archive in large chunks. The entries' contents are read as it is. Chunks that have been read, in their order, may be
 * given back to `out`.
 */
export async function* tarArchive(
  entries: AsyncIterable<Entry>,
  out = new Chunks(),
): AsyncGenerator<Uint8Array> {
  for await (const entry of entries) {
    writeHeaders(out, entry);
    if (entry.type === 'file' && entry.sizeBytes > 0) yield* content(out, entry);
    yield* out.takeFull();
  }
  // The end mark: two blocks of zeros.
  out.block();
  out.block();
  yield* out.takeAll();
}

async function* content(out: Chunks, entry: FileEntry): AsyncGenerator<Uint8Array> {
  let written = 0;
  for await (const bytes of entry.content) {
    written += bytes.length;
    out.write(bytes);
    yield* out.takeFull();
  }
  if (written !== entry.sizeBytes)
    throw new Error(`${entry.path}: ${written} of ${entry.sizeBytes} bytes came`);
  out.pad();
}

interface Header {
  readonly flag: string;
  readonly name: BytePath;
  readonly linkName: string;
  readonly sizeBytes: number;
  readonly attributes: Attributes;
  readonly device: Pick<DeviceEntry, 'major' | 'minor'>;
}

const NO_ATTRIBUTES: Attributes = { mode: 0, uid: 0, gid: 0, mtime: 0 };
const PLAIN = { linkName: '', sizeBytes: 0, attributes: NO_ATTRIBUTES, device: { major: 0, minor: 0 } };

function writeHeaders(out: Chunks, entry: Entry): void {
  if (
    entry.type === 'link' &&
    entry.target.length > SHORT_NAME_BYTES &&
    entry.path.length > SHORT_NAME_BYTES
  ) {
    writeLongName(out, 'K', entry.target);
    writeLongName(out, 'L', entry.path);
    out.write(LONG_LINK);
    return;
  }
  const header = headerOf(entry);
  if (header.linkName.length > SHORT_NAME_BYTES) writeLongName(out, 'K', header.linkName);
  if (header.name.length > SHORT_NAME_BYTES) writeLongName(out, 'L', header.name);
  writeHeader(out.block(), header);
}

function headerOf(entry: Entry): Header {
  const name = entry.path;
  switch (entry.type) {
    case 'directory':
      return { ...PLAIN, flag: '5', name: `${name}/`, attributes: entry.attributes };
    case 'file':
      return { ...PLAIN, flag: '0', name, sizeBytes: entry.sizeBytes, attributes: entry.attributes };
    case 'link':
      return { ...PLAIN, flag: '1', name, linkName: entry.target };
    case 'symlink':
      return { ...PLAIN, flag: '2', name, linkName: storedTarget(entry), attributes: entry.attributes };
    case 'character-device':
      return { ...PLAIN, flag: '3', name, attributes: entry.attributes, device: entry };
    case 'block-device':
      return { ...PLAIN, flag: '4', name, attributes: entry.attributes, device: entry };
    case 'fifo':
      return { ...PLAIN, flag: '6', name, attributes: entry.attributes };
  }
}

/** Headers of long names differ in nothing but their length. */
const longNameHeaders = new Map<string, Buffer>();

function writeLongName(out: Chunks, flag: 'K' | 'L', text: string): void {
  const key = `${flag}${text.length}`;
  let header = longNameHeaders.get(key);
  if (header === undefined) {
    header = Buffer.alloc(BLOCK_BYTES);
    writeHeader(header, { ...PLAIN, flag, name: '././@LongLink', sizeBytes: text.length + 1 });
    longNameHeaders.set(key, header);
  }
  out.write(header);
  out.writeText(text);
}

/** A hard link both of whose names were written before it: its own do not count, nor do its attributes. */
const LONG_LINK = Buffer.alloc(BLOCK_BYTES);
writeHeader(LONG_LINK, { ...PLAIN, flag: '1', name: 'link', linkName: 'target' });

function writeHeader(block: Buffer, { flag, name, linkName, sizeBytes, attributes, device }: Header): void {
  block.write(name.slice(0, SHORT_NAME_BYTES), 0, 'latin1');
  writeNumber(block, attributes.mode, { at: 100, width: 8 });
  writeNumber(block, attributes.uid, { at: 108, width: 8 });
  writeNumber(block, attributes.gid, { at: 116, width: 8 });
  writeNumber(block, sizeBytes, { at: 124, width: 12 });
  writeNumber(block, Math.floor(settableTime(attributes.mtime)), { at: 136, width: 12 });
  block.write(flag, 156, 'latin1');
  if (linkName !== '') block.write(linkName.slice(0, SHORT_NAME_BYTES), 157, 'latin1');
  block.write('ustar  \0', 257, 'latin1');
  writeNumber(block, device.major, { at: 329, width: 8 });
  writeNumber(block, device.minor, { at: 337, width: 8 });
  writeChecksum(block);
}

/** Octal digits; base-256 in two's complement where they do not suffice (GNU). */
function writeNumber(block: Buffer, value: number, { at, width }: { at: number; width: number }): void {
  if (value >= 0 && value < 8 ** (width - 1)) {
    let rest = value;
    for (let digit = at + width - 2; digit >= at; digit--) {
      block[digit] = 0x30 + (rest % 8);
      rest = Math.floor(rest / 8);
    }
    return;
  }
  const bits = BigInt.asUintN(width * 8, BigInt(value));
  Buffer.from(bits.toString(16).padStart(width * 2, '0'), 'hex').copy(block, at);
  block[at] = (block[at] ?? 0) | 0x80;
}

function writeChecksum(block: Buffer): void {
  block.fill(0x20, 148, 156);
  let sum = 0;
  for (let at = 0; at < BLOCK_BYTES; at++) sum += block[at] ?? 0;
  writeNumber(block, sum, { at: 148, width: 7 });
  block[154] = 0;
}
