import assert from 'node:assert/strict';
import type { PublishedTree } from '../../../publisher/outputs/output.ts';
import { treeEntries } from '../../../publisher/compose/tree-entries.ts';
import { EMPTY_TREE, IMPLIED_ATTRIBUTES } from '../../../publisher/tree/node.ts';
import type { DirectoryNode, SymbolicLinkNode } from '../../../publisher/tree/node.ts';
import { eachOf } from '../repository/entries.ts';

const LINK: SymbolicLinkNode = { type: 'symlink', attributes: IMPLIED_ATTRIBUTES, target: 'x' };

describe('publisher/compose/tree-entries', () => {
  const divided = folder({
    small: links(500),
    large: links(150_000),
    other: folder({ larger: links(160_000) }),
  });
  const tree: PublishedTree = {
    kind: 'chains',
    hex: 'ab',
    path: '.chains/ab',
    root: '.chains/ab',
    rootNode: divided,
    metadata: [],
    files: 'linked',
    rules: 0,
  };

  it('divides a large tree into catalogs', async () => {
    assert.deepEqual(await markersOf(tree), ['.chains/ab', '.chains/ab/other']);
  });

  it('divides the tree of a layer below the layer’s own catalog', async () => {
    const layer: PublishedTree = { ...tree, kind: 'layers', path: '.layers/ab', root: '.layers/ab/layerfs' };
    assert.deepEqual(await markersOf(layer), ['.layers/ab', '.layers/ab/layerfs/other']);
  });

  it('marks no tree twice, however small', async () => {
    assert.deepEqual(await markersOf({ ...tree, rootNode: EMPTY_TREE }), ['.chains/ab']);
  });
});

/** Folders with a marker; each comes right after its folder. */
async function markersOf(tree: PublishedTree): Promise<string[]> {
  const sources = {
    packOf: () => undefined,
    blobOf: () => assert.fail('there are no contents'),
    treeOf: () => assert.fail('there are no files'),
    homeOf: () => assert.fail('there are no files'),
    unlinkable: new Set<string>(),
    published: () => assert.fail('nothing is published'),
  };
  const folders: string[] = [];
  const seen = new Set<string>();
  for await (const { type, path } of eachOf(treeEntries(tree, sources))) {
    if (type === 'directory') seen.add(path);
    if (!path.endsWith('/.cvmfscatalog')) continue;
    assert.equal(type, 'file');
    const marked = path.slice(0, -'/.cvmfscatalog'.length);
    if (marked !== tree.path) assert.ok(seen.has(marked));
    folders.push(marked);
  }
  return folders;
}

function folder(children: Readonly<Record<string, DirectoryNode>>): DirectoryNode {
  return { ...EMPTY_TREE, children: new Map(Object.entries(children)) };
}

function links(count: number): DirectoryNode {
  return {
    ...EMPTY_TREE,
    children: new Map(Array.from({ length: count }, (_, index) => [`l${index}`, LINK])),
  };
}
