import { Failure } from '../../core/failure.ts';
import { ByteReader, isZero } from './bytes.ts';
import { notDecompressible } from './zlib.ts';

/** The beginning of a frame, after which its blocks come. */
export interface FrameStart {
  readonly type: 'frame';
  readonly bytes: Buffer;
  /** The distance that blocks may refer back: a decoder keeps so much of its latest output. */
  readonly windowBytes: number;
}

export interface FrameBlock {
  readonly type: 'block';
  readonly bytes: Buffer;
  /** Upper bound of its decompressed size. */
  readonly mostBytes: number;
  readonly isLast: boolean;
  /** True where no checksum follows either. */
  readonly isEnd: boolean;
}

/** The checksum at the end of a frame that has one (of the uncompressed content). */
export interface FrameChecksum {
  readonly type: 'checksum';
  readonly bytes: Buffer;
}

export type FramePart = FrameStart | FrameBlock | FrameChecksum;

/** The limit of `zstd` itself by default; the RFC wants at least 8 MiB of all decoders. */
const LARGEST_WINDOW_BYTES = 128 * 1024 * 1024;
const LARGEST_BLOCK_BYTES = 128 * 1024;
/** The headers of its two sections. */
const SMALLEST_COMPRESSED_BYTES = 2;

/**
 * The frames of a zstd stream in the parts that a decoder takes, without skippable ones. What would make a decoder
 * take memory or time without bounds is found here, before it does.
 *
 * @see RFC 8878, section 3.1, "Frames"
 * @throws Failure `layer-corrupt` where the frames do not add up, `layer-refused` for a window over
 *   {@link LARGEST_WINDOW_BYTES}
 */
export async function* frameParts(blob: AsyncIterable<Uint8Array>): AsyncGenerator<FramePart> {
  const bytes = new ByteReader(blob, 'compressed layer');
  for (let magic = await bytes.read(4); magic !== undefined; magic = await bytes.read(4)) {
    const number = magic.readUInt32LE();
    if (number === FRAME_MAGIC) yield* frame(bytes, magic);
    else if (isSkippable(number)) await bytes.skip((await bytes.readAll(4)).readUInt32LE());
    else throw corrupt('something other than a frame follows its frames');
  }
}

/** RFC 8878, section 3.1.1 */
export const FRAME_MAGIC = 0xfd2fb528;

/** RFC 8878, section 3.1.2 */
export function isSkippable(magic: number): boolean {
  return magic >= 0x184d2a50 && magic <= 0x184d2a5f;
}

async function* frame(bytes: ByteReader, magic: Buffer): AsyncGenerator<FramePart> {
  const { start, hasChecksum } = await frameStart(bytes, magic);
  yield start;
  const largestBytes = Math.min(start.windowBytes, LARGEST_BLOCK_BYTES);
  let part: FrameBlock;
  do {
    part = await block(bytes, largestBytes, hasChecksum);
    yield part;
  } while (!part.isLast);
  if (hasChecksum) yield { type: 'checksum', bytes: await bytes.readAll(4) };
}

/** RFC 8878, section 3.1.1.1, "Frame_Header" */
async function frameStart(
  bytes: ByteReader,
  magic: Buffer,
): Promise<{ start: FrameStart; hasChecksum: boolean }> {
  const first = await bytes.readAll(1);
  const descriptor = first[0] ?? 0;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  if ((descriptor & 0x08) !== 0) throw corrupt('a frame header has a bit that is reserved');
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  const windowPart = await bytes.readAll(isSingleSegment ? 0 : 1);
  const dictionary = await bytes.readAll(dictionaryBytes);
  const size = await bytes.readAll(sizeBytes);
  if (!isZero(dictionary)) throw corrupt('it needs a dictionary');
  const windowBytes = isSingleSegment ? contentSize(size) : windowSize(windowPart[0] ?? 0);
  if (windowBytes > LARGEST_WINDOW_BYTES) {
    throw new Failure(
      'layer-refused',
      `the compressed layer wants a window of ${windowBytes} bytes, over the limit of ${LARGEST_WINDOW_BYTES}`,
      { hint: 'compress the layer without --long or --ultra, and push the image again' },
    );
  }
  const header = Buffer.concat([magic, first, windowPart, dictionary, size]);
  return { start: { type: 'frame', bytes: header, windowBytes }, hasChecksum: (descriptor & 0x04) !== 0 };
}

/** RFC 8878, section 3.1.1.1.4 */
function contentSize(field: Buffer): number {
  if (field.length === 8) return Number(field.readBigUInt64LE());
  return field.readUIntLE(0, field.length) + (field.length === 2 ? 256 : 0);
}

/** RFC 8878, section 3.1.1.1.2 */
function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

/** RFC 8878, section 3.1.1.2, "Blocks" */
async function block(bytes: ByteReader, largestBytes: number, hasChecksum: boolean): Promise<FrameBlock> {
  const header = await bytes.readAll(3);
  const fields = header.readUIntLE(0, 3);
  const isLast = (fields & 1) !== 0;
  const type = (fields >> 1) & 3;
  const size = fields >> 3;
  if (type === 3) throw corrupt('a block is of the type that is reserved');
  if (size > largestBytes) throw corrupt(`a block has ${size} bytes, more than ${largestBytes}`);
  if (type === 2 && size < SMALLEST_COMPRESSED_BYTES) throw corrupt('a compressed block has no content');
  const content = await bytes.readAll(type === 1 ? 1 : size);
  const mostBytes = type === 2 ? largestBytes : size;
  const isEnd = isLast && !hasChecksum;
  return { type: 'block', bytes: Buffer.concat([header, content]), mostBytes, isLast, isEnd };
}

function corrupt(reason: string): Failure {
  return notDecompressible('zstd', reason);
}
