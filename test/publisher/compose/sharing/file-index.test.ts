import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Digest } from '../../../../core/oci/digest.ts';
import { atOnce } from '../../../../core/turns.ts';
import { ANY_IMAGE } from '../../../../publisher/image/image-limits.ts';
import { listLayer, type FreshListing } from '../../../../publisher/layer/listing.ts';
import { ListingStore } from '../../../../publisher/layer/listing-store.ts';
import { FileIndex } from '../../../../publisher/compose/sharing/file-index.ts';
import { indexLayer } from '../../../../publisher/compose/sharing/index-layer.ts';
import {
  fileRecords,
  RECORD_BYTES,
  type SameContent,
} from '../../../../publisher/compose/sharing/file-records.ts';
import { LayerComparison } from '../../../../publisher/compose/sharing/layer-comparison.ts';
import { buildLayerTree } from '../../../../publisher/tree/layer-tree.ts';
import { ImageMeter } from '../../../../publisher/image/image-limits.ts';
import {
  directory,
  file,
  hardLink,
  symlink,
  whiteout,
  type LayerEntry,
} from '../../../support/images/layer-entry.ts';
import { layer } from '../../../support/images/layer.ts';
import { temporaryDirectory } from '../../../support/setup.ts';
import { chunksOf } from '../../layer/archive.ts';

/** More than are kept of a layer, and several times as many as are read at a time. */
const MANY = 60_000;

describe('publisher/compose/sharing/file-index', () => {
  let listings: ListingStore;
  let index: FileIndex;
  beforeEach(async () => {
    listings = new ListingStore(join(await temporaryDirectory('index'), 'listings'));
    index = new FileIndex(listings);
  });

  async function listed(entries: readonly LayerEntry[]): Promise<{ digest: Digest; listing: FreshListing }> {
    const { bytes, digest, diffId } = await layer(entries, { compression: 'plain' });
    return { digest, listing: await listLayer(chunksOf(bytes, 5_000), diffId) };
  }

  async function indexed(...entries: readonly LayerEntry[]): Promise<Digest> {
    const { digest, listing } = await listed(entries);
    await indexLayer(digest, listing, index, ANY_IMAGE);
    return digest;
  }

  async function common(one: Digest, other: Digest, rule: SameContent = 'exact'): Promise<number[][]> {
    return Array.from(await new LayerComparison(index).common(one, other, rule), (pair) => [...pair]).sort(
      (a, b) => (a[0] ?? 0) - (b[0] ?? 0),
    );
  }

  it('finds the files that two layers have in common, by their ordinals in each', async () => {
    const one = await indexed(directory('d'), file('d/a', 'a'), file('b', 'b'), file('c', 'c'));
    const other = await indexed(file('b', 'b'), file('c', 'another'), directory('d'), file('d/a', 'a'));
    assert.deepEqual(await common(one, other), [
      [1, 3],
      [2, 0],
    ]);
    assert.deepEqual(await common(other, one), [
      [0, 2],
      [3, 1],
    ]);
  });

  for (const [what, changed] of Object.entries({
    content: file('f', 'other', {}),
    size: file('f', 'content and more'),
    path: file('g', 'content'),
    mode: file('f', 'content', { mode: 0o640 }),
    owner: file('f', 'content', { uid: 1 }),
    group: file('f', 'content', { gid: 1 }),
    'time, by a part of a second': file('f', 'content', { mtime: 1_700_000_000.5 }),
    'extended attributes': file('f', 'content', { xattrs: { 'user.x': 'y' } }),
  }))
    it(`takes files of another ${what} for different ones`, async () => {
      const [one, other] = [await indexed(file('f', 'content')), await indexed(changed)];
      assert.deepEqual(await common(one, other), []);
      const rest = what.startsWith('time') ? [[0, 0]] : [];
      assert.deepEqual(await common(one, other, 'ignore-mtime'), rest);
    });

  it('leaves out files that are not what the archive has at their path', async () => {
    const one = await indexed(
      file('twice', 'same'),
      file('twice', 'other'),
      directory('real'),
      symlink('way', 'real'),
      file('way/f', 'through a link'),
      file('empty', ''),
      file('first', 'linked'),
      hardLink('second', 'first'),
    );
    const names = ['twice', 'way/f', 'real/f', 'empty', 'second', 'first'];
    const contents = ['same', 'through a link', 'through a link', '', 'linked', 'linked'];
    const other = await indexed(
      directory('way'),
      directory('real'),
      ...names.map((name, at) => file(name, contents[at])),
    );
    assert.deepEqual(await common(one, other), [[6, 7]]);
  });

  it('has nothing of files that later members of the layer delete', async () => {
    const one = await indexed(file('f', 'content'), hardLink('kept', 'f'), file('.wh.f', ''), whiteout('g'));
    assert.deepEqual(await common(one, await indexed(file('f', 'content'))), [[0, 0]]);
  });

  it('compares large layers part by part, whatever the order of their files', async () => {
    const files = Array.from({ length: MANY }, (_, number) => file(`f${number}`, `content ${number}`));
    const one = await indexed(...files);
    const other = await indexed(...files.filter((_, number) => number % 3 > 0).toReversed());
    const comparison = new LayerComparison(index);
    const found = await comparison.common(one, other, 'exact');
    assert.equal(found.length, Math.floor((MANY * 2) / 3));
    for (const [ordinal] of found) assert.notEqual(ordinal % 3, 0);
    assert.equal((await comparison.common(one, one, 'exact')).length, MANY);
  });

  it('finds the same of layers whose records it has, or had, in memory', async () => {
    const layers: Digest[] = [];
    for (let number = 0; number < 10; number++) {
      const files = Array.from({ length: 20_000 }, (_, at) => file(`f${at}`, `${at % (number + 2)}`));
      layers.push(await indexed(...files));
    }
    const comparison = new LayerComparison(index);
    const [first, ...others] = layers;
    assert.ok(first !== undefined);
    for (let time = 0; time < 2; time++) {
      for (const other of others) {
        const found: number[][] = Array.from(await comparison.common(first, other, 'exact'), (pair) => [
          ...pair,
        ]);
        assert.deepEqual(found, await common(first, other));
        assert.ok(found.length > 0);
        assert.equal(await comparison.countOf(other), 20_000);
      }
    }
  });

  it('keeps records in the order of their bytes', async () => {
    const { listing, digest } = await listed(
      Array.from({ length: 999 }, (_, number) => file(`f${number}`, `${number}`)),
    );
    const tree = atOnce(buildLayerTree(listing, digest, new ImageMeter()));
    const records = Buffer.concat([...atOnce(fileRecords(listing, tree)).blocks()]);
    assert.equal(records.length, 999 * RECORD_BYTES);
    for (let at = RECORD_BYTES; at < records.length; at += RECORD_BYTES)
      assert.ok(records.compare(records, at, at + RECORD_BYTES, at - RECORD_BYTES, at) < 0);
  });

  it('knows nothing in common where an index is missing, damaged, cut off, or of another form', async () => {
    const [one, other] = [
      await indexed(file('f', 'content')),
      await indexed(file('f', 'content'), file('g')),
    ];
    assert.deepEqual(await common(one, other), [[0, 0]]);
    const path = listings.pathOf(other, 'files');
    const whole = readFileSync(path);
    for (let at = 0; at < whole.length; at += 7) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      writeFileSync(path, damaged);
      assert.deepEqual(await common(one, other), [], `with byte ${at} changed`);
      writeFileSync(path, whole.subarray(0, at));
      assert.deepEqual(await common(one, other), [], `with ${at} bytes`);
    }
    rmSync(path);
    assert.deepEqual(await common(one, other), []);
  });

  it('goes with the listing that it belongs to', async () => {
    const { digest, listing } = await listed([file('f', 'content')]);
    await indexLayer(digest, listing, index, ANY_IMAGE);
    await listings.save(digest, listing);
    const rule = { keptMs: 0, nowMs: Date.now() + 10_000 };
    assert.equal((await listings.removeUnused((layerOf) => layerOf === digest, rule)).files, 0);
    assert.equal((await listings.removeUnused(() => false, rule)).files, 2);
  });
});
