import assert from 'node:assert/strict';
import { divideDeletions, StepRoom } from '../../../../publisher/repository/cvmfs/deletions.ts';
import type { ServerVersion } from '../../../../publisher/repository/cvmfs/server-command.ts';

const V2_12: ServerVersion = { major: 2, minor: 12 };
const V2_13: ServerVersion = { major: 2, minor: 13 };

/** By version, whether `ingest` can be told to delete the path. */
const CASES: readonly (readonly [path: string, before: boolean, since: boolean])[] = [
  ['.layers/ab/abc/layerfs/usr/lib/libstdc++.so.6', true, true],
  ['.chains/00/0@x=y-z', true, true],
  ['quay.io/lab/tool:1', false, true],
  ['man3/Foo::Bar.3pm', false, true],
  ['a b', false, false],
  ["it's", false, false],
  ['$(reboot)', false, false],
  ['a*', false, false],
  ['caf\xe9', false, false],
  ['new\nline', false, false],
];

describe('publisher/repository/cvmfs/deletions: divideDeletions', () => {
  for (const [version, column] of [
    [V2_12, 1],
    [{ major: 1, minor: 99 }, 1],
    [undefined, 1],
    [V2_13, 2],
    [{ major: 2, minor: 14 }, 2],
    [{ major: 3, minor: 0 }, 2],
  ] as const) {
    const name = version === undefined ? 'that is not known' : `${version.major}.${version.minor}`;
    for (const entry of CASES) {
      const [path] = entry;
      it(`${entry[column] ? 'leaves' : 'does not leave'} ${JSON.stringify(path)} to an ingest of ${name}`, async () => {
        const found = await divideDeletions([path], async () => version);
        const expected = entry[column]
          ? { byIngest: [path], byUnion: [] }
          : { byIngest: [], byUnion: [path] };
        assert.deepEqual(found, expected);
      });
    }
  }

  it('asks for the version only where it matters', async () => {
    const asked: string[][] = [];
    for (const paths of [['a', 'b c'], ['a:b'], []])
      await divideDeletions(paths, async () => {
        asked.push(paths);
        return undefined;
      });
    assert.deepEqual(asked, [['a:b']]);
  });

  it('leaves no more to an ingest than fits into one argument, and keeps the order', async () => {
    const paths = Array.from({ length: 3000 }, (_, index) => `.layers/${'x'.repeat(60)}/${index}`);
    const { byIngest, byUnion } = await divideDeletions(paths, async () => V2_13);
    assert.deepEqual([...byIngest, ...byUnion], paths);
    assert.ok(byUnion.length > 0);
    const bytes = byIngest.join('///').length;
    assert.ok(bytes > 90 * 1024 && bytes < 100 * 1024, String(bytes));
  });
});

describe('publisher/repository/cvmfs/deletions: StepRoom', () => {
  const LONGEST_BYTES = 96 * 1024;
  /** Two paths that take `bytes` with their delimiters. */
  const tree = (bytes: number): string[] => ['x'.repeat(10), 'y'.repeat(bytes - 10 - 6)];
  const many = (...paths: readonly string[]): string[][] => Array.from({ length: 2000 }, () => [...paths]);

  const FITS: readonly (readonly [what: string, trees: string[][], beside: string[], fitting: number])[] = [
    ['all that fits', [['a'], ['b', 'c']], [], 2],
    ['exactly what fits', [tree(LONGEST_BYTES - 100), tree(100)], [], 2],
    ['not one byte more', [tree(LONGEST_BYTES - 100), tree(101)], [], 1],
    ['less beside other paths', [tree(LONGEST_BYTES - 100), tree(100)], ['z'], 1],
    ['one tree at least, however long', [tree(2 * LONGEST_BYTES), ['a']], [], 1],
    ['no tree that ingest does not take', [['a'], ['b', 'c d'], ['e']], [], 1],
    ['only those that it does not take', [['a b'], ['c', 'd e'], ['f']], [], 2],
    ['only so many', many('a'), [], 500],
    ['only so many in a union transaction', many('a b'), [], 500],
  ];
  for (const [what, trees, beside, fitting] of FITS) {
    it(`has ${what}`, async () => {
      const room = new StepRoom(beside, V2_12);
      const index = trees.findIndex((paths) => !room.take(paths));
      assert.equal(index === -1 ? trees.length : index, fitting);
      if (fitting < 2) return;
      const paths = [...trees.slice(0, fitting).flat(), ...beside];
      const { byIngest, byUnion } = await divideDeletions(paths, async () => V2_12);
      assert.equal(
        byUnion.length > 0,
        trees[0]?.some((path) => path.includes(' ')),
      );
      assert.ok(byIngest.join(':').length < 128 * 1024);
    });
  }

  it('knows what the version takes', () => {
    for (const [version, takes] of [
      [V2_12, false],
      [V2_13, true],
      [undefined, false],
    ] as const) {
      const room = new StepRoom([], version);
      assert.deepEqual([room.take(['a']), room.take(['b:c'])], [true, takes]);
    }
  });
});
