import assert from 'node:assert/strict';
import { type ListingItem, PackedItems } from '../../../publisher/layer/listing-items.ts';

const PLAIN: ListingItem = {
  type: 'file',
  path: 'a',
  attributes: { mode: 0o644, uid: 0, gid: 0, mtime: 0 },
  sizeBytes: 0,
  target: '',
  major: 0,
  minor: 0,
  xattrs: new Map(),
};

const ITEMS: ListingItem[] = [
  { ...PLAIN, type: 'directory', path: '', attributes: { mode: 0o1777, uid: 5, gid: 6, mtime: -1.25 } },
  { ...PLAIN, path: 'd/e/f', sizeBytes: Number.MAX_SAFE_INTEGER },
  { ...PLAIN, path: 'd/e/g', attributes: { mode: 0o7777, uid: 0xffff_fffe, gid: 0xffff_fffe, mtime: 1e12 } },
  { ...PLAIN, path: 'd/e/f' },
  { ...PLAIN, path: `\xff/${'n'.repeat(255)}`, xattrs: new Map([['user.x', '\0\xff']]) },
  { ...PLAIN, type: 'link', path: 'l', target: 'd/e/f' },
  { ...PLAIN, type: 'symlink', path: 's', target: 'x'.repeat(4_095) },
  { ...PLAIN, type: 'character-device', path: 'c', major: 1, minor: 3 },
  { ...PLAIN, type: 'block-device', path: 'b', major: 0, minor: 65_535 },
  { ...PLAIN, type: 'fifo', path: 'd/p' },
];

describe('publisher/layer/listing-items', () => {
  it('gives back what was packed, in its order', () => {
    const packed = PackedItems.of(ITEMS);
    assert.equal(packed.length, ITEMS.length);
    assert.deepEqual([...packed], ITEMS);
    assert.deepEqual(
      ITEMS.map((_, row) => packed.at(row)),
      ITEMS,
    );
  });

  it('packs nothing twice', () => {
    const packed = PackedItems.of(ITEMS);
    assert.equal(PackedItems.of(packed), packed);
  });

  it('holds equal extended attributes once', () => {
    const packed = PackedItems.of([
      { ...PLAIN, xattrs: new Map([['user.x', 'y']]) },
      { ...PLAIN, xattrs: new Map([['user.x', 'y']]) },
      { ...PLAIN, xattrs: new Map([['user.x', 'z']]) },
    ]);
    assert.equal(packed.xattrsAt(0), packed.xattrsAt(1));
    assert.notDeepEqual(packed.xattrsAt(1), packed.xattrsAt(2));
  });
});
