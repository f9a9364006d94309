import { createHash, hash as hashOf, type Hash } from 'node:crypto';

/** Bytes of a SHA-256. */
export const DIGEST_BYTES = 32;
const ROWS_IN_CHUNK = 4096;

/** SHA-256 of the contents of a layer's files by ordinal, 32 bytes each, outside the heap: a layer may have a million. */
export class ContentDigests {
  readonly #chunks: Buffer[] = [];

  /** The digest of the member `row`; `undefined` where nobody has computed it. */
  at(row: number): Buffer | undefined {
    const start = (row % ROWS_IN_CHUNK) * DIGEST_BYTES;
    const digest = this.#chunks[Math.floor(row / ROWS_IN_CHUNK)]?.subarray(start, start + DIGEST_BYTES);
    return digest === undefined || digest.equals(NONE) ? undefined : digest;
  }

  /** The order of two digests, as of their bytes. */
  compare(row: number, other: number): number {
    return (this.at(row) ?? NONE).compare(this.at(other) ?? NONE);
  }

  set(row: number, digest: Uint8Array): void {
    const index = Math.floor(row / ROWS_IN_CHUNK);
    while (this.#chunks.length <= index) this.#chunks.push(Buffer.alloc(ROWS_IN_CHUNK * DIGEST_BYTES));
    this.#chunks[index]?.set(digest, (row % ROWS_IN_CHUNK) * DIGEST_BYTES);
  }
}

const NONE = Buffer.alloc(DIGEST_BYTES);

/** The SHA-256 of all of `content`; `onChunk` gets what it is made of. */
export async function digestOfContent(
  content: AsyncIterable<Uint8Array>,
  onChunk?: (chunk: Uint8Array) => void,
): Promise<Buffer> {
  let first: Uint8Array | undefined;
  let hash: Hash | undefined;
  for await (const chunk of content) {
    onChunk?.(chunk);
    if (first === undefined) first = chunk;
    else hash = (hash ?? createHash('sha256').update(first)).update(chunk);
  }
  // Most files are in one piece, for which a hash need not be made.
  return hash?.digest() ?? hashOf('sha256', first ?? NOTHING, 'buffer');
}

const NOTHING = new Uint8Array(0);
