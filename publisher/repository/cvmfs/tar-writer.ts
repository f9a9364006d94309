import type { Attributes, BytePath, DeviceEntry, Entry } from '../entry.ts';

/**
 * Writes entries as a tar archive for `cvmfs_server ingest`: GNU format, whose long names are plain bytes, where PAX
 * ones are text in a declared character set.
 *
 * @see GNU tar manual, "Basic Tar Format" and "Extensions to tar Archive Format"
 */

const BLOCK_BYTES = 512;
const CHUNK_BYTES = 1024 * 1024;
const SHORT_NAME_BYTES = 100;

/** The archive in chunks of at most 1 MiB. The entries' contents are read as it is. */
export async function* tarArchive(entries: AsyncIterable<Entry>): AsyncGenerator<Buffer> {
  const out = new Chunks();
  for await (const entry of entries) {
    writeHeaders(out, entry);
    if (entry.type === 'file') {
      let written = 0;
      for await (const content of entry.content) {
        written += content.length;
        out.write(content);
        yield* out.full();
      }
      if (written !== entry.sizeBytes)
        throw new Error(`${entry.path}: ${written} of ${entry.sizeBytes} bytes came`);
      out.pad();
    }
    yield* out.full();
  }
  out.zeros(2 * BLOCK_BYTES);
  yield* out.rest();
}

/** Gathers small pieces into large chunks. */
class Chunks {
  #full: Buffer[] = [];
  #current = Buffer.allocUnsafe(CHUNK_BYTES);
  #used = 0;

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + CHUNK_BYTES - this.#used);
      this.#current.set(part, this.#used);
      this.#advance(part.length);
      at += part.length;
    }
  }

  /** Room for one block of zeros, to be filled at once. */
  block(): Buffer {
    // Chunks are whole blocks, and headers begin at a block's start.
    const block = this.#current.subarray(this.#used, this.#used + BLOCK_BYTES).fill(0);
    this.#advance(BLOCK_BYTES);
    return block;
  }

  zeros(bytes: number): void {
    this.write(Buffer.alloc(bytes));
  }

  pad(): void {
    const beyond = this.#used % BLOCK_BYTES;
    if (beyond > 0) this.zeros(BLOCK_BYTES - beyond);
  }

  full(): Buffer[] {
    const full = this.#full;
    this.#full = [];
    return full;
  }

  rest(): Buffer[] {
    return [...this.full(), this.#current.subarray(0, this.#used)];
  }

  #advance(bytes: number): void {
    this.#used += bytes;
    if (this.#used < CHUNK_BYTES) return;
    this.#full.push(this.#current);
    this.#current = Buffer.allocUnsafe(CHUNK_BYTES);
    this.#used = 0;
  }
}

interface Header {
  readonly flag: string;
  readonly name: BytePath;
  readonly linkName: string;
  readonly sizeBytes: number;
  readonly attributes: Attributes;
  readonly device: Pick<DeviceEntry, 'major' | 'minor'>;
}

const NOBODY: Attributes = { mode: 0, uid: 0, gid: 0, mtime: 0 };
const NO_DEVICE = { major: 0, minor: 0 };

function writeHeaders(out: Chunks, entry: Entry): void {
  const header = headerOf(entry);
  if (Buffer.byteLength(header.linkName, 'latin1') > SHORT_NAME_BYTES)
    writeLongName(out, 'K', header.linkName);
  if (Buffer.byteLength(header.name, 'latin1') > SHORT_NAME_BYTES) writeLongName(out, 'L', header.name);
  writeHeader(out, header);
}

function headerOf(entry: Entry): Header {
  const plain = { name: entry.path, linkName: '', sizeBytes: 0, attributes: NOBODY, device: NO_DEVICE };
  switch (entry.type) {
    case 'directory':
      return { ...plain, flag: '5', name: `${entry.path}/`, attributes: entry.attributes };
    case 'file':
      return { ...plain, flag: '0', sizeBytes: entry.sizeBytes, attributes: entry.attributes };
    case 'link':
      return { ...plain, flag: '1', linkName: entry.target };
    case 'symlink':
      return { ...plain, flag: '2', linkName: entry.target, attributes: entry.attributes };
    case 'character-device':
      return { ...plain, flag: '3', attributes: entry.attributes, device: entry };
    case 'block-device':
      return { ...plain, flag: '4', attributes: entry.attributes, device: entry };
    case 'fifo':
      return { ...plain, flag: '6', attributes: entry.attributes };
  }
}

function writeLongName(out: Chunks, flag: 'K' | 'L', name: string): void {
  const bytes = Buffer.from(`${name}\0`, 'latin1');
  writeHeader(out, {
    flag,
    name: '././@LongLink',
    linkName: '',
    sizeBytes: bytes.length,
    attributes: NOBODY,
    device: NO_DEVICE,
  });
  out.write(bytes);
  out.pad();
}

function writeHeader(out: Chunks, { flag, name, linkName, sizeBytes, attributes, device }: Header): void {
  const block = out.block();
  block.write(name.slice(0, SHORT_NAME_BYTES), 0, 'latin1');
  writeNumber(block, attributes.mode, { at: 100, width: 8 });
  writeNumber(block, attributes.uid, { at: 108, width: 8 });
  writeNumber(block, attributes.gid, { at: 116, width: 8 });
  writeNumber(block, sizeBytes, { at: 124, width: 12 });
  writeNumber(block, Math.floor(attributes.mtime), { at: 136, width: 12 });
  block.write(flag, 156, 'latin1');
  block.write(linkName.slice(0, SHORT_NAME_BYTES), 157, 'latin1');
  block.write('ustar  \0', 257, 'latin1');
  writeNumber(block, device.major, { at: 329, width: 8 });
  writeNumber(block, device.minor, { at: 337, width: 8 });
  writeChecksum(block);
}

/** Octal digits; base-256 in two's complement where they do not suffice (GNU). */
function writeNumber(block: Buffer, value: number, { at, width }: { at: number; width: number }): void {
  if (value >= 0 && value < 8 ** (width - 1)) {
    block.write(value.toString(8).padStart(width - 1, '0'), at, 'latin1');
    return;
  }
  const bits = BigInt.asUintN(width * 8, BigInt(value));
  Buffer.from(bits.toString(16).padStart(width * 2, '0'), 'hex').copy(block, at);
  block[at] = (block[at] ?? 0) | 0x80;
}

function writeChecksum(block: Buffer): void {
  block.fill(0x20, 148, 156);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
}
