import { open } from 'node:fs/promises';
import type { BytePath } from '../repository/entry.ts';

/** A layer that a snapshotter can mount before it is there: it has an index of its own, and marks for prefetching. */
export type LazyForm = 'estargz' | 'zstd:chunked';

/** The longest footer: a skippable frame of zstd:chunked. */
const TAIL_BYTES = 72;

/**
 * Told by the last bytes of the compressed blob, since annotations get lost where images are copied, and anybody may name
 * a file like that.
 *
 * @see stargz-snapshotter, docs/estargz.md, "Footer"; containers/storage, pkg/chunked, "ZstdChunkedFooterData"
 */
export function lazyFormOf(tail: Buffer): LazyForm | undefined {
  if (STARGZ_FOOTER.test(tail.toString('latin1'))) return 'estargz';
  return isChunkedFooter(tail) ? 'zstd:chunked' : undefined;
}

/**
 * An empty gzip member with an extra field that says where the index is: 51 bytes, or 47 before the field had a name
 * (CRFS).
 */
const STARGZ_FOOTER =
  // eslint-disable-next-line no-control-regex
  /\x1f\x8b\x08\x04[^]{6}(?:\x1a\0SG\x16\0|\x16\0)[0-9a-f]{16}STARGZ\x01\0\0\xff\xff\0{8}$/;

/** A skippable frame that ends in a mark of its own. */
function isChunkedFooter(tail: Buffer): boolean {
  if (!tail.subarray(-8).equals(CHUNKED_MAGIC)) return false;
  return [40, 64].some((bodyBytes) => {
    const at = tail.length - bodyBytes - 8;
    return at >= 0 && tail.readUInt32LE(at) === SKIPPABLE_MAGIC && tail.readUInt32LE(at + 4) === bodyBytes;
  });
}

const CHUNKED_MAGIC = Buffer.from('GNUlInUx');
const SKIPPABLE_MAGIC = 0x18_4d_2a_50;

/** What the layer has of a file that may be an extra one. */
interface Named {
  readonly type: string;
  readonly path: BytePath;
  readonly sizeBytes: number;
}

/**
 * Whether the file of such a layer marks what is to be prefetched: it is no part of the image (docs/estargz.md,
 * "Landmark Files").
 */
export function isLandmark({ type, path, sizeBytes }: Named): boolean {
  const isNamedSo = path === '.prefetch.landmark' || path === '.no.prefetch.landmark';
  return isNamedSo && type === 'file' && sizeBytes === 1;
}

/** The members of such a layer that are part of the image: no landmarks, and no index, which comes last. */
export function* withoutExtras<Item extends Named>(items: Iterable<Item>): Generator<Item> {
  let last: Item | undefined;
  for (const item of items) {
    if (last !== undefined) yield last;
    last = isLandmark(item) ? undefined : item;
  }
  if (last !== undefined && !(last.path === 'stargz.index.json' && last.type === 'file')) yield last;
}

/** A blob that is read, with what there is to know of it afterwards. */
export class WatchedBlob {
  readonly #blob: AsyncIterable<Uint8Array>;
  #sizeBytes = 0;
  #tail: Buffer = Buffer.alloc(0);

  constructor(blob: AsyncIterable<Uint8Array>) {
    this.#blob = blob;
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.#blob) {
      this.#sizeBytes += chunk.length;
      const last = chunk.subarray(-TAIL_BYTES);
      this.#tail = Buffer.concat([this.#tail, last]).subarray(-TAIL_BYTES);
      yield chunk;
    }
  }

  /** What was read until now. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** The last bytes that were read. */
  get tail(): Buffer {
    return this.#tail;
  }
}

/** The last bytes of the blob in a file. */
export async function tailOf(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const tail = Buffer.alloc(Math.min(size, TAIL_BYTES));
    const { bytesRead } = await file.read(tail, 0, tail.length, size - tail.length);
    return tail.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
