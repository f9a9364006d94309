const ZEROS = Buffer.alloc(256 * 1024);

/** The content of a hole of a sparse file: whoever can makes a hole of it again, others write it. */
export function* hole(sizeBytes: number): Generator<Buffer> {
  for (let left = sizeBytes; left > 0; left -= ZEROS.length)
    yield ZEROS.subarray(0, Math.min(left, ZEROS.length));
}

/** Whether a chunk of a content is a part of a hole. */
export function isHole(chunk: Uint8Array): boolean {
  return chunk.buffer === ZEROS.buffer;
}
