const BLOCK_BYTES = 512;

/** The fields of one 512-byte block of a POSIX archive, in the units that it has. */
export interface Header {
  readonly name: Buffer;
  /** One character. */
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly mtime: number;
  readonly linkName: Buffer;
  readonly major: number;
  readonly minor: number;
}

/** What fits into the header's fields; anything else needs a pax record. */
export const LIMITS = { nameBytes: 100, id: 0o7777777, mtime: 0o77777777777 };

/** @see POSIX.1-2017, pax, "ustar Interchange Format" */
export function headerBlock(header: Header): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  header.name.copy(block, 0, 0, LIMITS.nameBytes);
  block.write(octal(header.mode, 8), 100, 'latin1');
  block.write(octal(header.uid, 8), 108, 'latin1');
  block.write(octal(header.gid, 8), 116, 'latin1');
  block.write(octal(header.sizeBytes, 12), 124, 'latin1');
  block.write(octal(header.mtime, 12), 136, 'latin1');
  block.write(header.type, 156, 'latin1');
  header.linkName.copy(block, 157, 0, LIMITS.nameBytes);
  block.write('ustar\x0000', 257, 'latin1');
  block.write(octal(header.major, 8), 329, 'latin1');
  block.write(octal(header.minor, 8), 337, 'latin1');
  return withChecksum(block);
}

/** The block, with its checksum made anew, or one of the caller's own. */
export function withChecksum(block: Buffer, sum = checksumOf(block)): Buffer {
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

function checksumOf(block: Buffer): number {
  return block.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 0x20 : byte), 0);
}

/** The body of a pax extended header: `LENGTH NAME=VALUE`, where the length counts itself. */
export function paxRecords(records: ReadonlyMap<string, Buffer>): Buffer {
  return Buffer.concat([...records].map(([name, value]) => paxRecord(name, value)));
}

/** The zeros that fill the last block of a body of `sizeBytes`. */
export function padding(sizeBytes: number): Buffer {
  return Buffer.alloc((BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES);
}

/** The two blocks that end an archive. */
export function endOfArchive(): Buffer {
  return Buffer.alloc(2 * BLOCK_BYTES);
}

function paxRecord(name: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${name}=`), value, Buffer.from('\n')]);
  let length = rest.length + String(rest.length).length;
  length = rest.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function octal(value: number, widthBytes: number): string {
  return `${value.toString(8).padStart(widthBytes - 1, '0')}\0`;
}
