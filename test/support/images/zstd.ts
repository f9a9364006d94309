/** One block of a frame, as RFC 8878, section 3.1.1.2, has it. */
export interface ZstdBlock {
  readonly type: 'raw' | 'rle' | 'compressed' | 'reserved';
  /** Regenerated size for `rle`, otherwise that of the content. */
  readonly size: number;
  readonly content: Buffer;
}

export interface ZstdFrameOptions {
  /** The byte that stands for it; none: a single segment. */
  readonly window?: number;
  /** Of 8 bytes. */
  readonly contentSize?: bigint;
  /** Written as it is. */
  readonly checksum?: Buffer;
  readonly dictionary?: number;
  readonly reservedBit?: boolean;
}

/** A frame of blocks, true or not: no program writes such ones. */
export function zstdFrame(blocks: readonly ZstdBlock[], options: ZstdFrameOptions = {}): Buffer {
  const { window, contentSize, checksum, dictionary, reservedBit = false } = options;
  const descriptor =
    (contentSize === undefined ? 0 : 0xc0) |
    (window === undefined ? 0x20 : 0) |
    (reservedBit ? 0x08 : 0) |
    (checksum === undefined ? 0 : 0x04) |
    (dictionary === undefined ? 0 : 0x01);
  const size = Buffer.alloc(contentSize === undefined ? (window === undefined ? 1 : 0) : 8);
  if (contentSize !== undefined) size.writeBigUInt64LE(contentSize);
  return Buffer.concat([
    Buffer.from([0x28, 0xb5, 0x2f, 0xfd, descriptor]),
    Buffer.from(window === undefined ? [] : [window]),
    Buffer.from(dictionary === undefined ? [] : [dictionary]),
    size,
    ...blocks.map((block, index) => zstdBlock(block, index === blocks.length - 1)),
    checksum ?? Buffer.alloc(0),
  ]);
}

/** `content` in blocks that are not compressed. */
export function storedFrame(content: Buffer, blockBytes = 128 * 1024): Buffer {
  const blocks: ZstdBlock[] = [];
  for (let at = 0; at === 0 || at < content.length; at += blockBytes) {
    const part = content.subarray(at, at + blockBytes);
    blocks.push({ type: 'raw', size: part.length, content: part });
  }
  return zstdFrame(blocks, { window: WINDOW_OF_8_MIB });
}

export const WINDOW_OF_8_MIB = (23 - 10) << 3;

/** `size` times the same byte, in four. */
export function repeated(size: number, byte = 0): ZstdBlock {
  return { type: 'rle', size, content: Buffer.from([byte]) };
}

export function raw(content: string | Buffer): ZstdBlock {
  const bytes = Buffer.from(content);
  return { type: 'raw', size: bytes.length, content: bytes };
}

function zstdBlock({ type, size, content }: ZstdBlock, isLast: boolean): Buffer {
  const number = { raw: 0, rle: 1, compressed: 2, reserved: 3 }[type];
  const header = Buffer.alloc(3);
  header.writeUIntLE((size << 3) | (number << 1) | (isLast ? 1 : 0), 0, 3);
  return Buffer.concat([header, content]);
}
