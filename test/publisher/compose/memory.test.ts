import assert from 'node:assert/strict';
import { join } from 'node:path';
import { TreeLoader, type StackedLayer } from '../../../publisher/tree/image-trees.ts';
import { publishedPath, type FilePlacement, type PublishedTree } from '../../../publisher/outputs/output.ts';
import { LinkCounts, survey, type Survey } from '../../../publisher/compose/survey.ts';
import { KeptXattrs } from '../../../publisher/compose/xattrs.ts';
import { ImageMeter } from '../../../publisher/image/image-limits.ts';
import { atOnce } from '../../../core/turns.ts';
import { HOLDS_EVERYTHING } from './workshop.ts';
import { treeEntries } from '../../../publisher/compose/tree-entries.ts';
import { listLayer } from '../../../publisher/layer/listing.ts';
import { ListingStore } from '../../../publisher/layer/listing-store.ts';
import { directory, file, type LayerEntry } from '../../support/images/layer-entry.ts';
import { layerInFile } from '../../support/images/layer.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { heldBytes, HeldMeter, usualGrowth } from '../heap.ts';
import { eachOf } from '../repository/entries.ts';

const FILES = 60_000;
const FILES_IN_FOLDER = 20;
/** How often what is held is looked at while a stream runs. */
const ENTRIES = 15_000;

function* manyFiles(): Generator<LayerEntry> {
  for (let index = 0; index < FILES; index++) {
    const folder = `opt/app/lib/package_${Math.floor(index / FILES_IN_FOLDER)}`;
    if (index % FILES_IN_FOLDER === 0) yield directory(folder);
    yield file(`${folder}/module_${index}.py`, 'x');
  }
}

describe('publisher/compose/memory', () => {
  let blob = '';
  let stage: StackedLayer | undefined;
  let loadedBytes = 0;
  before(async () => {
    const folder = await temporaryDirectory('compose');
    blob = join(folder, 'blob');
    const { digest, diffId } = await layerInFile(blob, manyFiles(), { compression: 'plain' });
    const store = new ListingStore(join(folder, 'listings'));
    await store.save(digest, await listLayer(blob, diffId));
    const before = heldBytes();
    [stage] = await new TreeLoader(store).loadStack([digest]);
    loadedBytes = heldBytes() - before;
  });

  it('is at most 150 bytes in the trees of an image', () => {
    assert.ok(loadedBytes > 10 * FILES, `${loadedBytes} bytes: nothing was loaded`);
    assert.ok(loadedBytes < 150 * FILES, `${loadedBytes / FILES} bytes for each file`);
  });

  const placements: [files: FilePlacement, contents: number, links: number][] = [
    ['own', FILES, 0],
    ['copied', FILES, 0],
    ['linked', 0, FILES],
  ];
  for (const [files, contents, links] of placements) {
    it(`is at most 20 bytes more while a tree is streamed whose files are ${files}`, async () => {
      assert.ok(stage !== undefined);
      const tree = treeOf(stage, files);
      const meter = new HeldMeter(ENTRIES);
      const found = { file: 0, link: 0 };
      for await (const entry of eachOf(entriesOf(tree, stage))) {
        if (entry.type === 'file') for await (const _ of entry.content);
        if (entry.type !== 'file' && entry.type !== 'link') continue;
        found[entry.type]++;
        meter.look();
      }
      assert.deepEqual(found, { file: contents + 1, link: links });
      // What is read ahead of the blob does not grow with the files.
      const limit = 20 * FILES + (contents === 0 ? 0 : READ_AHEAD_BYTES);
      assert.ok(
        meter.mostBytes < limit,
        `${meter.mostBytes} bytes for ${FILES} files, the limit is ${limit}`,
      );
    });
  }

  it('is nothing when the contents of a tree are counted', () => {
    assert.ok(stage !== undefined);
    const tree = treeOf(stage, 'copied');
    const held = Array.from({ length: 6 }, () => {
      assert.equal(surveyed(tree).demand.bytes, FILES);
      return heldBytes();
    });
    assert.ok(usualGrowth(held) < FILES, `after each time ${held.join(', ')} bytes are held`);
  });

  function surveyed(tree: PublishedTree): Survey {
    const tools = {
      xattrs: new KeptXattrs(HOLDS_EVERYTHING),
      links: new LinkCounts(HOLDS_EVERYTHING),
      meter: new ImageMeter(),
      shared: new Map(),
    };
    return atOnce(survey(tree, tools));
  }

  function entriesOf(tree: PublishedTree, { layerTree }: StackedLayer) {
    return treeEntries(tree, {
      blobOf: () => blob,
      packOf: () => undefined,
      treeOf: () => layerTree,
      homeOf: publishedPath,
      unlinkable: new Set(),
      published: (path) => assert.fail(`${path} can be linked to`),
    });
  }
});

const READ_AHEAD_BYTES = 6 * 1024 * 1024;

function treeOf({ layer, layerTree, rootfs }: StackedLayer, files: FilePlacement): PublishedTree {
  const hex = layer.slice(7);
  const path = files === 'own' ? `.layers/${hex.slice(0, 2)}/${hex}` : `.flat/${hex.slice(0, 2)}/${hex}`;
  const root = files === 'own' ? `${path}/layerfs` : path;
  const rootNode = files === 'own' ? layerTree.root : rootfs;
  return {
    kind: files === 'own' ? 'layers' : 'flat',
    hex,
    path,
    root,
    rootNode,
    metadata: [],
    files,
    rules: 0,
  };
}
