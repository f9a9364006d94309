import assert from 'node:assert/strict';
import { FEWEST_ENTRIES, MOST_ENTRIES, catalogFolders } from '../../../publisher/tree/catalogs.ts';
import { atOnce } from '../../../core/turns.ts';
import { randomOf } from './random-stacks.ts';
import type { Random } from './random-stacks.ts';

interface Folder {
  readonly type: 'directory';
  readonly children: Map<string, Folder | { readonly type: 'file' }>;
}

function foldersOf(...tree: Parameters<typeof catalogFolders>): Set<string> {
  return atOnce(catalogFolders(...tree));
}

describe('publisher/tree/catalogs', () => {
  const cases: [what: string, tree: Folder, folders: string[]][] = [
    ['nothing in an empty tree', folder({}), []],
    ['nothing in a tree that one catalog can hold', folder({ a: files(5), b: files(3) }), []],
    ['nothing where it is just full', folder({ a: files(9), b: files(8) }), []],
    ['the larger of two folders', folder({ a: files(9), b: files(9) }), ['a']],
    ['the largest of several', folder({ a: files(6), b: files(12), c: files(7) }), ['b']],
    ['as many as it needs', folder({ a: files(10), b: files(12), c: files(11) }), ['b', 'c']],
    ['nothing of many folders that are too small', folder(each(20, () => files(3))), []],
    [
      'the folder above those that are too small',
      folder({ a: folder(each(5, () => files(2))), b: files(9) }),
      ['a'],
    ],
    ['nothing of a flat folder, but that folder', folder({ a: files(100) }), ['a']],
    ['nothing of a flat root', files(100), []],
    [
      'folders within one that is divided off',
      folder({ a: folder({ x: files(15), y: files(15) }), b: files(15) }),
      ['a', 'a/x'],
    ],
    ['a chain of folders', folder({ a: folder({ b: folder({ c: files(15) }) }), d: files(15) }), ['a']],
    ['parts of a deep chain', chain(50), [deep(12), deep(31)]],
    ['folders of any name', folder({ '\xff': files(15), '': files(1), constructor: files(8) }), ['\xff']],
  ];
  for (const [what, tree, folders] of cases) {
    it(`divides off ${what}`, () => {
      assert.deepEqual([...foldersOf(tree, 5, 20)].sort(), [...folders].sort());
    });
  }

  it('divides no tree of fewer entries than a catalog may have', () => {
    const tree = folder(each(100, () => files(MOST_ENTRIES / 100 - 2)));
    assert.equal(foldersOf(tree).size, 0);
  });

  it('gives a large tree catalogs of the sizes that are meant', () => {
    const tree = folder(each(20, () => folder(each(10, () => files(1_500)))));
    assertSizes(tree, { fewest: FEWEST_ENTRIES, most: MOST_ENTRIES });
    assert.ok(foldersOf(tree).size >= 3);
  });

  it('keeps to the limits in random trees', () => {
    const seed = Number(process.env['UNPACKD_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
    for (let number = 0; number < 300; number++) {
      const random = randomOf(seed + number);
      assertSizes(randomFolder(random, 5), { fewest: 5, most: 30 }, `UNPACKD_TEST_SEED=${seed + number}`);
    }
  });
});

/**
 * Each catalog that is divided off has at least `fewest` entries. A catalog with more than `most` could not be divided:
 * none of its own folders would make one of `fewest`.
 */
function assertSizes(tree: Folder, limits: { fewest: number; most: number }, message?: string): void {
  const folders = foldersOf(tree, limits.fewest, limits.most);
  assertCatalog(tree, '');

  function assertCatalog(root: Folder, path: string): number {
    const sizes: number[] = [];
    const entries = entriesOf(root, path, sizes);
    if (path !== '') assert.ok(entries >= limits.fewest, `${message}: ${path} has ${entries} entries`);
    if (entries > limits.most) {
      const large = sizes.filter((size) => size >= limits.fewest);
      assert.deepEqual(large, [], `${message}: ${path} has ${entries} entries, and could be divided`);
    }
    return entries;
  }

  /** Entries in the catalog of `root`; `sizes` gets those of each folder within it. */
  function entriesOf(root: Folder, path: string, sizes: number[]): number {
    let entries = 1;
    for (const [name, child] of root.children) {
      const at = path === '' ? name : `${path}/${name}`;
      if (child.type === 'file') entries++;
      else if (folders.has(at)) {
        assertCatalog(child, at);
        entries++;
      } else {
        const own = entriesOf(child, at, sizes);
        sizes.push(own);
        entries += own;
      }
    }
    return entries;
  }
}

function folder(children: Readonly<Record<string, Folder | { readonly type: 'file' }>>): Folder {
  return { type: 'directory', children: new Map(Object.entries(children)) };
}

/** A folder of `count` files: `count` + 1 entries. */
function files(count: number): Folder {
  return folder(each(count, () => ({ type: 'file' })));
}

function each<T>(count: number, make: () => T): Record<string, T> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`n${index}`, make()]));
}

function chain(depth: number): Folder {
  return depth === 0 ? folder({}) : folder({ d: chain(depth - 1) });
}

/** The path of the folder at `depth` of a chain. */
function deep(depth: number): string {
  return Array.from({ length: depth }, () => 'd').join('/');
}

function randomFolder(random: Random, depth: number): Folder {
  if (depth === 0) return files(random(20));
  return folder(
    each(random(6), () => (random(3) === 0 ? files(random(50)) : randomFolder(random, depth - 1))),
  );
}
