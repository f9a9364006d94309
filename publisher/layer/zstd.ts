import type { Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { Decompress } from 'fzstd';
import { Failure } from '../../core/failure.ts';
import { DECODING, notDecompressible, pipeThrough } from './zlib.ts';
import { FRAME_MAGIC, frameParts, type FrameBlock, type FramePart, type FrameStart } from './zstd-frames.ts';

/**
 * The uncompressed bytes of all frames of `blob`.
 *
 * @throws Failure as {@link frameParts} does, and `layer-corrupt` for blocks that do not decompress; native errors of
 *   zlib
 */
export async function* unzstd(blob: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const parts = frameParts(blob);
  try {
    const { createZstdDecompress, zstdDecompressSync } = NODE;
    yield* createZstdDecompress === undefined || zstdDecompressSync === undefined
      ? inJavaScript(parts)
      : native(parts, { createZstdDecompress, zstdDecompressSync });
  } finally {
    await parts.return(undefined);
  }
}

/** Node's decoder, from 22.15 on; its types here are older. Both take one frame, and leave out what follows it. */
interface NativeDecoder {
  readonly createZstdDecompress: (options: typeof DECODING) => Transform;
  readonly zstdDecompressSync: (frame: Buffer, options: { readonly maxOutputLength: number }) => Uint8Array;
}

const NODE: typeof zlib & Partial<NativeDecoder> = zlib;

/** Layers for lazy pulling have a frame for each file, most of them small: a stream for each would cost far more. */
const SMALL_FRAME_BYTES = 64 * 1024;
const SMALL_CONTENT_BYTES = 1024 * 1024;

async function* native(parts: AsyncGenerator<FramePart>, decoder: NativeDecoder): AsyncGenerator<Uint8Array> {
  for (let part = await parts.next(); part.done !== true; part = await parts.next()) {
    const begun = await nextPiece(parts, part.value.bytes);
    if (begun.isLast && begun.mostBytes <= SMALL_CONTENT_BYTES)
      yield decoder.zstdDecompressSync(begun.bytes, { maxOutputLength: Math.max(1, begun.mostBytes) });
    else yield* pipeThrough(frameBytes(begun, parts), decoder.createZstdDecompress(DECODING));
  }
}

interface FramePiece {
  readonly bytes: Buffer;
  /** True where the frame ends with it. */
  readonly isLast: boolean;
  /** Upper bound of its decompressed size. */
  readonly mostBytes: number;
}

/** Collects as much of a frame as is small, or all that is left of it: each piece is a trip to another thread. */
async function nextPiece(parts: AsyncIterator<FramePart>, start?: Buffer): Promise<FramePiece> {
  const pieces = start === undefined ? [] : [start];
  let mostBytes = 0;
  let isLast = false;
  for (let length = 0; length < SMALL_FRAME_BYTES && !isLast;) {
    const next = await parts.next();
    if (next.done === true) break;
    pieces.push(next.value.bytes);
    length += next.value.bytes.length;
    if (next.value.type === 'block') mostBytes += next.value.mostBytes;
    isLast = isEnd(next.value);
  }
  return { bytes: Buffer.concat(pieces), isLast, mostBytes };
}

async function* frameBytes(begun: FramePiece, parts: AsyncIterator<FramePart>): AsyncGenerator<Buffer> {
  for (let piece = begun; piece.bytes.length > 0; piece = await nextPiece(parts)) {
    yield piece.bytes;
    if (piece.isLast) return;
  }
}

function isEnd(part: FramePart): boolean {
  return part.type === 'checksum' || (part.type === 'block' && part.isEnd);
}

/** Slower by a factor of five. Checksums are not looked at: the diff ID vouches for all of the layer. */
async function* inJavaScript(parts: AsyncIterable<FramePart>): AsyncGenerator<Uint8Array> {
  const work = new Work();
  let frame: Frame | undefined;
  for await (const part of parts) {
    if (part.type === 'frame') frame = new Frame(part, work);
    else if (part.type === 'block' && frame !== undefined) yield* frame.decode(part);
  }
}

/** Blocks that are held until it is known how much of the window they need. */
const HELD_BYTES = 64 * 1024;

/**
 * A frame in the decoder, which takes memory for the whole window at once: a short frame is given the window that it
 * can need. It gets one block at a time, since all that it gives for one push is in memory.
 */
class Frame {
  readonly #start: FrameStart;
  readonly #work: Work;
  #held: FrameBlock[] = [];
  #heldBytes = 0;
  #decoder: Decompress | undefined;
  #windowBytes = 0;
  #ready: Uint8Array[] = [];

  constructor(start: FrameStart, work: Work) {
    this.#start = start;
    this.#work = work;
  }

  *decode(block: FrameBlock): Generator<Uint8Array> {
    if (this.#decoder !== undefined) {
      yield* this.#push(this.#decoder, block);
      return;
    }
    this.#held.push(block);
    this.#heldBytes += block.bytes.length;
    if (!block.isLast && this.#heldBytes < HELD_BYTES) return;
    this.#decoder = this.#begin(block.isLast);
    for (const held of this.#held) yield* this.#push(this.#decoder, held);
    this.#held = [];
  }

  #begin(isWhole: boolean): Decompress {
    const most = this.#held.reduce((sum, { mostBytes }) => sum + mostBytes, 0);
    const { windowBytes } = this.#start;
    const header = headerFor(isWhole ? Math.min(windowBytes, most) : windowBytes);
    this.#windowBytes = header.windowBytes;
    const decoder = new Decompress((chunk) => this.#ready.push(chunk));
    feed(decoder, header.bytes, false);
    return decoder;
  }

  *#push(decoder: Decompress, block: FrameBlock): Generator<Uint8Array> {
    if (block.mostBytes === 0 && !block.isLast) return;
    feed(decoder, block.bytes, block.isLast);
    let givenBytes = 0;
    for (const chunk of this.#ready) {
      givenBytes += chunk.length;
      if (chunk.length > 0) yield chunk;
    }
    this.#ready = [];
    this.#work.count(this.#windowBytes, givenBytes);
  }
}

/** A frame header with nothing in it but a window of at least `atLeastBytes`: a power of two. */
function headerFor(atLeastBytes: number): { bytes: Buffer; windowBytes: number } {
  const exponent = Math.max(10, Math.ceil(Math.log2(Math.max(1, atLeastBytes))));
  const bytes = Buffer.alloc(6);
  bytes.writeUInt32LE(FRAME_MAGIC);
  bytes[5] = (exponent - 10) << 3;
  return { bytes, windowBytes: 2 ** exponent };
}

/**
 * Counts the cost of decoding: each block costs a copy of the whole window, so that tiny blocks take far more time than they
 * bring bytes. Usual ones, of 128 KiB, cost a copy of 1,024 times their size with the largest window.
 */
class Work {
  #copiedBytes = 0;
  #givenBytes = 0;

  count(windowBytes: number, givenBytes: number): void {
    this.#copiedBytes += windowBytes;
    this.#givenBytes += givenBytes;
    if (this.#copiedBytes <= FREE_WORK_BYTES + MOST_WORK * this.#givenBytes) return;
    throw new Failure('layer-refused', 'the compressed layer has too many tiny blocks', {
      hint: 'compress it with a current tool, and push the image again; or run unpackd with Node 22.15 or newer',
    });
  }
}

const FREE_WORK_BYTES = 2 ** 34;
const MOST_WORK = 8192;

/** Damaged data makes the decoder stumble too: not every error is its own. */
function feed(decoder: Decompress, bytes: Uint8Array, isLast: boolean): void {
  try {
    decoder.push(bytes, isLast);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw notDecompressible('zstd', error.message, error);
  }
}
