import type { BytePath } from '../../../core/system/byte-path.ts';
import { settableTime } from '../../publication/capabilities.ts';
import { storedTarget } from '../../publication/entry.ts';
import type { Attributes, DeviceEntry, Entry, FileEntry, Slice } from '../../publication/entry.ts';
import { BLOCK_BYTES, Chunks } from './chunks.ts';

/**
 * Writes entries as a tar archive for `cvmfs_server ingest`: ustar headers, and GNU's long names where these do not
 * suffice. Both are plain bytes, where PAX names are text in a declared character set. Most entries of a publication are
 * hard links with two long names, so that these must be cheap.
 *
 * @see POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar manual, "Extensions to tar Archive Format"
 */

const NAME_BYTES = 100;
const PREFIX_BYTES = 155;

/**
 * The archive in large chunks. The entries' contents are read as it is. Chunks that have been read, in their order, may be
 * given back to `out`.
 */
export async function* tarArchive(
  slices: AsyncIterable<Slice>,
  out = new Chunks(),
): AsyncGenerator<Uint8Array> {
  for await (const slice of slices) {
    for (const entry of slice) {
      writeHeaders(out, entry);
      if (entry.type === 'file' && entry.sizeBytes > 0) yield* content(out, entry);
    }
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
  const header = headerOf(entry);
  const slash = slashOf(header.name);
  if (header.linkName.length > NAME_BYTES) writeLongName(out, 'K', header.linkName);
  if (slash === undefined) writeLongName(out, 'L', header.name);
  writeHeader(out.block(BLANK), header, slash);
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
const longNameHeaders = { K: new Array<Buffer>(), L: new Array<Buffer>() };

function writeLongName(out: Chunks, flag: 'K' | 'L', text: string): void {
  out.write((longNameHeaders[flag][text.length] ??= longNameHeader(flag, text.length + 1)));
  out.writeText(text);
}

function longNameHeader(flag: 'K' | 'L', sizeBytes: number): Buffer {
  const header = Buffer.from(BLANK);
  writeHeader(header, { ...PLAIN, flag, name: '././@LongLink', sizeBytes });
  return header;
}

/** Places of the numbers in a header, in bytes. */
const NUMBERS = {
  mode: { at: 100, width: 8 },
  uid: { at: 108, width: 8 },
  gid: { at: 116, width: 8 },
  size: { at: 124, width: 12 },
  mtime: { at: 136, width: 12 },
  major: { at: 329, width: 8 },
  minor: { at: 337, width: 8 },
} as const;

/** A header all of whose names are empty, and numbers zero. */
const BLANK = Buffer.alloc(BLOCK_BYTES);
BLANK.write('ustar\u000000', 257, 'latin1');
for (const { at, width } of Object.values(NUMBERS)) BLANK.fill('0', at, at + width - 1);

/** Position of the slash that divides a name into prefix and rest; 0: it needs no prefix; `undefined`: it is too long. */
function slashOf(name: BytePath): number | undefined {
  if (name.length <= NAME_BYTES) return 0;
  const slash = name.indexOf('/', name.length - NAME_BYTES - 1);
  return slash > 0 && slash <= PREFIX_BYTES && slash < name.length - 1 ? slash : undefined;
}

/** Fills a {@link BLANK} header. Of what is too long for it only the beginning is written. */
function writeHeader(
  block: Buffer,
  { flag, name, linkName, sizeBytes, attributes, device }: Header,
  slash = 0,
): void {
  block.write(slash === 0 ? name : name.slice(slash + 1), 0, NAME_BYTES, 'latin1');
  writeNumber(block, attributes.mode, NUMBERS.mode);
  writeNumber(block, attributes.uid, NUMBERS.uid);
  writeNumber(block, attributes.gid, NUMBERS.gid);
  writeNumber(block, sizeBytes, NUMBERS.size);
  writeNumber(block, Math.floor(settableTime(attributes.mtime)), NUMBERS.mtime);
  block.write(flag, 156, 'latin1');
  block.write(linkName, 157, NAME_BYTES, 'latin1');
  writeNumber(block, device.major, NUMBERS.major);
  writeNumber(block, device.minor, NUMBERS.minor);
  if (slash > 0) block.write(name, 345, slash, 'latin1');
  writeChecksum(block);
}

/** Octal digits; base-256 in two's complement where they do not suffice (GNU). */
function writeNumber(block: Buffer, value: number, { at, width }: { at: number; width: number }): void {
  if (value === 0) return;
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
