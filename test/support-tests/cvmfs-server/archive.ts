/** A member of a tar stream; names and targets with one character a byte. */
export interface Member {
  readonly name: string;
  readonly type?: 'file' | 'link' | 'symlink' | 'character-device' | 'block-device' | 'directory' | 'fifo';
  readonly content?: string;
  readonly target?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  readonly major?: number;
  readonly minor?: number;
}

const BLOCK_BYTES = 512;
const TYPES = ['file', 'link', 'symlink', 'character-device', 'block-device', 'directory', 'fifo'] as const;
const LONG_NAME_BYTES = 100;

export const END_OF_ARCHIVE = Buffer.alloc(2 * BLOCK_BYTES);

/** A complete tar stream in GNU format. */
export function archive(...members: Member[]): Buffer {
  return Buffer.concat([...members.map(encode), END_OF_ARCHIVE]);
}

/** One member, without an end-of-archive mark. */
export function encode(member: Member): Buffer {
  const { name, type = 'file', target = '', content = '' } = member;
  const body = Buffer.from(type === 'file' ? content : '', 'latin1');
  return Buffer.concat([
    longName('L', name),
    longName('K', target),
    header(member, String(TYPES.indexOf(type)), body.length),
    padded(body),
  ]);
}

function longName(typeFlag: string, name: string): Buffer {
  const bytes = Buffer.from(`${name}\0`, 'latin1');
  if (bytes.length <= LONG_NAME_BYTES) return Buffer.alloc(0);
  return Buffer.concat([
    header({ name: '././@LongLink', mode: 0, mtime: 0 }, typeFlag, bytes.length),
    padded(bytes),
  ]);
}

function header(member: Member, typeFlag: string, sizeBytes: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  const { name, target = '', uid = 1000, gid = 1000, mtime = 1_600_000_000, major = 0, minor = 0 } = member;
  const mode = member.mode ?? (member.type === 'directory' ? 0o755 : 0o644);
  block.write(name.slice(0, LONG_NAME_BYTES), 0, 'latin1');
  writeNumber(block.subarray(100, 108), mode);
  writeNumber(block.subarray(108, 116), uid);
  writeNumber(block.subarray(116, 124), gid);
  writeNumber(block.subarray(124, 136), sizeBytes);
  writeNumber(block.subarray(136, 148), mtime);
  block.write('        ', 148);
  block.write(typeFlag, 156);
  block.write(target.slice(0, LONG_NAME_BYTES), 157, 'latin1');
  block.write('ustar  \0', 257);
  writeNumber(block.subarray(329, 337), major);
  writeNumber(block.subarray(337, 345), minor);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** Octal digits where they fit, else a big-endian two's complement number with its first bit set. */
function writeNumber(field: Buffer, value: number): void {
  const digits = value.toString(8);
  if (value >= 0 && digits.length < field.length) {
    field.write(digits.padStart(field.length - 1, '0'));
    return;
  }
  let rest = BigInt.asUintN(field.length * 8, BigInt(value));
  for (let index = field.length - 1; index >= 0; index -= 1) {
    field[index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  field[0] = (field[0] ?? 0) | 0x80;
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((BLOCK_BYTES - (bytes.length % BLOCK_BYTES)) % BLOCK_BYTES)]);
}
