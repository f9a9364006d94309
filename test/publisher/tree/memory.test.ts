import assert from 'node:assert/strict';
import { type ListingItem, PackedItems } from '../../../publisher/layer/listing-items.ts';
import type { Attributes } from '../../../publisher/publication/entry.ts';
import { EMPTY_TREE } from '../../../publisher/tree/node.ts';
import { heldBytes } from '../heap.ts';
import { layerAt } from './stack.ts';
import * as atOnce from './at-once.ts';

const FILES = 200_000;
const FILES_IN_FOLDER = 20;

/** `each` of the members of a layer of FILES files, with folders as members or without. */
function packed(hasFolders: boolean, each = 1): PackedItems {
  const items = new PackedItems();
  for (let index = 0; index < FILES; index += each) {
    const folder = `usr/lib/python3/site-packages/package_${Math.floor(index / FILES_IN_FOLDER)}`;
    const attributes = { mode: 0o644, uid: 1000, gid: 1000, mtime: 1_700_000_000 + index };
    if (hasFolders && index % FILES_IN_FOLDER === 0) items.add(item('directory', folder, attributes));
    items.add(item('file', `${folder}/module_${index}.py`, attributes));
  }
  return items;
}

function item(type: 'file' | 'directory', path: string, attributes: Attributes): ListingItem {
  return { type, path, attributes, sizeBytes: 1234, target: '', major: 0, minor: 0, xattrs: new Map() };
}

/** What `make` holds for each of FILES files. */
function bytesForFile(make: () => unknown): number {
  const before = heldBytes();
  const made = make();
  const bytes = (heldBytes() - before) / FILES;
  assert.ok(made !== undefined);
  assert.ok(bytes > 10, `${bytes} bytes for a file: it was not held`);
  return bytes;
}

function treeOf(items: PackedItems, index: number) {
  return atOnce.treeOf({ items }, layerAt(index));
}

describe('publisher/tree/memory', () => {
  it('is at most 90 bytes in a listing', () => {
    const bytes = bytesForFile(() => packed(true));
    assert.ok(bytes < 90, `${bytes} bytes`);
  });

  it('is at most 150 bytes in the tree of a layer, with its listing', () => {
    const bytes = bytesForFile(() => treeOf(packed(true), 0));
    assert.ok(bytes < 150, `${bytes} bytes`);
  });

  it('is no more in the tree of an image of one layer', () => {
    const bytes = bytesForFile(() => {
      const { root } = treeOf(packed(true), 0);
      return [root, atOnce.mergedTree(EMPTY_TREE, root)];
    });
    assert.ok(bytes < 150, `${bytes} bytes`);
  });

  it('is little more in an image whose folders no member names', () => {
    const bytes = bytesForFile(() => {
      const { root } = treeOf(packed(false), 0);
      return [root, atOnce.mergedTree(EMPTY_TREE, root)];
    });
    assert.ok(bytes < 180, `${bytes} bytes`);
  });

  it('grows with the changes of a layer, not with the folders in which they are', () => {
    const lower = atOnce.mergedTree(EMPTY_TREE, treeOf(packed(true), 0).root);
    const changes = treeOf(packed(true, FILES_IN_FOLDER), 1).root;
    const bytes = bytesForFile(() => atOnce.mergedTree(lower, changes));
    assert.ok(bytes < 50, `${bytes} bytes`);
  });
});
