import { createHash } from 'node:crypto';
import { decompress } from '../../publisher/layer/decompress.ts';
import type { LayerLimits } from '../../publisher/layer/limits.ts';
import { listLayer, type Listing } from '../../publisher/layer/listing.ts';
import { TarReader } from '../../publisher/layer/tar-reader.ts';
import { chunksOf } from '../publisher/layer/archive.ts';
import { mergedTree, treeOf } from '../publisher/tree/at-once.ts';
import { EMPTY_TREE } from '../../publisher/tree/node.ts';
import { isFailure } from '../../core/failure.ts';
import { nodesOf } from '../publisher/tree/stack.ts';
import { assertSame, outcome, outcomeAsync, watched } from './invariants.ts';

/** Small ones, so that an input cannot take long by being large. */
const LIMITS: LayerLimits = {
  sizeBytes: 4 * 1024 * 1024,
  ratio: 1_000_000,
  entries: 2_000,
  headerBytes: 32 * 1024,
  namesBytes: 256 * 1024,
};

/** The input as the blob of a layer, compressed or not: decompressed, listed, read, made into a tree, merged. */
export async function fuzz(data: Buffer): Promise<void> {
  await watched(async () => {
    const diffId = await diffIdOf(data);
    if (diffId === undefined) return;
    const list = async (chunkBytes: number): Promise<Listing> =>
      await listLayer(chunksOf(data, chunkBytes), diffId, { limits: LIMITS });
    const listing = await outcomeAsync(async () => await list(1 + (data.length % 1500)));
    assertSame(listing, await outcomeAsync(async () => await list(65_536)), 'one blob is listed in two ways');
    if (isFailure(listing)) return;
    await readContents(data);
    mergeTwice(listing);
  });
}

/** `undefined` where the blob does not decompress, or to more than the limit. */
async function diffIdOf(data: Buffer): Promise<`sha256:${string}` | undefined> {
  const hash = createHash('sha256');
  let bytes = 0;
  const failed = await outcomeAsync(async () => {
    for await (const chunk of decompress(chunksOf(data, 1 + (data.length % 5000)))) {
      bytes += chunk.length;
      if (bytes > LIMITS.sizeBytes) break;
      hash.update(chunk);
    }
  });
  return isFailure(failed) || bytes > LIMITS.sizeBytes ? undefined : `sha256:${hash.digest('hex')}`;
}

/** Contents have the sizes that their members state, and reading them or not leads to the same members. */
async function readContents(data: Buffer): Promise<void> {
  const read = new TarReader(decompress(chunksOf(data, 4096)), LIMITS);
  const passed = new TarReader(decompress(chunksOf(data, 999)), LIMITS);
  for (;;) {
    const member = await read.next();
    assertSame(member, await passed.next(), 'a member depends on whether the content before it was read');
    if (member === undefined) return;
    let bytes = 0;
    for await (const chunk of read.content()) bytes += chunk.length;
    if (bytes !== member.sizeBytes)
      throw new Error(`the content has ${bytes} bytes, its member states ${member.sizeBytes}`);
  }
}

/** Listing, building and merging decide nothing anew. */
function mergeTwice(listing: Listing): void {
  const merge = (): string[] =>
    [...nodesOf(mergedTree(EMPTY_TREE, treeOf(listing, listing.diffId).root), '')].map(
      ([path, { type }]) => `${path} ${type}`,
    );
  assertSame(outcome(merge), outcome(merge), 'one listing makes two trees');
}
