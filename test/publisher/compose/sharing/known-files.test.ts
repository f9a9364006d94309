import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileIndex } from '../../../../publisher/compose/sharing/file-index.ts';
import { indexLayer } from '../../../../publisher/compose/sharing/index-layer.ts';
import { LayerComparison } from '../../../../publisher/compose/sharing/layer-comparison.ts';
import { KnownFiles } from '../../../../publisher/compose/sharing/known-files.ts';
import { ANY_IMAGE } from '../../../../publisher/image/image-limits.ts';
import { listLayer, type FreshListing } from '../../../../publisher/layer/listing.ts';
import { ListingStore } from '../../../../publisher/layer/listing-store.ts';
import type { Digest } from '../../../../core/oci/digest.ts';
import { pseudoRandom } from '../../../support/e2e/pseudo-random.ts';
import { file } from '../../../support/images/layer-entry.ts';
import { layer } from '../../../support/images/layer.ts';
import { temporaryDirectory } from '../../../support/setup.ts';
import { chunksOf } from '../../layer/archive.ts';

const RULES = ['exact', 'ignore-mtime'] as const;

describe('publisher/compose/sharing/known-files', () => {
  let listings: ListingStore;
  let index: FileIndex;
  beforeEach(async () => {
    listings = new ListingStore(join(await temporaryDirectory('known'), 'listings'));
    index = new FileIndex(listings);
  });

  async function indexed(entries: readonly ReturnType<typeof file>[]): Promise<[Digest, FreshListing]> {
    const { bytes, digest, diffId } = await layer(entries, { compression: 'plain' });
    const listed = async () => await listLayer(chunksOf(bytes, 5_000), diffId);
    await indexLayer(digest, await listed(), index, ANY_IMAGE);
    return [digest, await listed()];
  }

  it('knows what two layers have in common, before one of them is indexed', async () => {
    const seed = Number(process.env['UNPACKD_TEST_SEED'] ?? randomInt(2 ** 31));
    const next = pseudoRandom(seed);
    const random = (limit: number): number => Math.floor(next() * limit);
    const anyFile = (path: string) =>
      file(path, `${random(3)}`, {
        mode: 0o600 + random(2),
        uid: random(2),
        mtime: 1_700_000_000 + random(2) / 2,
        ...(random(6) === 0 && { xattrs: { 'user.x': 'x' } }),
      });
    for (let time = 0; time < 5; time++) {
      const paths = Array.from({ length: 300 }, (_, number) => `f${number}`);
      const some = () => indexed(paths.filter(() => random(4) > 0).map(anyFile));
      const comparison = new LayerComparison(index);
      const [one, listing] = await some();
      const [[other], [third]] = [await some(), await some()];
      for (const sameContent of RULES) {
        const known = await KnownFiles.of([other, third], { index, sameContent, mostRecords: 1_000 });
        const expected = new Set<number>();
        for (const layerOf of [other, third])
          for (const [ordinal] of await comparison.common(one, layerOf, sameContent)) expected.add(ordinal);
        for (const [ordinal, item] of [...listing.items].entries()) {
          const content = listing.contents.at(ordinal) ?? assert.fail();
          assert.equal(known?.has(item, content), expected.has(ordinal), `UNPACKD_TEST_SEED=${seed}`);
        }
      }
    }
  });

  it('knows nothing without an index, with a damaged one, or with too many records', async () => {
    const [one] = await indexed([file('a', 'a'), file('b', 'b')]);
    const options = { index, sameContent: 'exact', mostRecords: 2 } as const;
    assert.ok((await KnownFiles.of([one], options)) !== undefined);
    assert.equal(await KnownFiles.of([one], { ...options, mostRecords: 1.5 }), undefined);
    assert.equal(await KnownFiles.of([], options), undefined);
    assert.equal(await KnownFiles.of([`sha256:${'0'.repeat(64)}`], options), undefined);
    const path = listings.pathOf(one, 'files');
    const damaged = readFileSync(path);
    damaged[30] = (damaged[30] ?? 0) ^ 1;
    writeFileSync(path, damaged);
    assert.equal(await KnownFiles.of([one], options), undefined);
  });
});
