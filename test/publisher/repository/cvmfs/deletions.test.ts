import assert from 'node:assert/strict';
import { divideDeletions, fittingGroups } from '../../../../publisher/repository/cvmfs/deletions.ts';
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

describe('publisher/repository/cvmfs/deletions: fittingGroups', () => {
  const LONGEST_BYTES = 96 * 1024;
  const at2_12 = async () => V2_12;
  /** Two paths that take `bytes` with their delimiters. */
  const group = (bytes: number): string[] => ['x'.repeat(10), 'y'.repeat(bytes - 10 - 6)];

  const FITS: readonly (readonly [what: string, groups: string[][], beside: string[], fitting: number])[] = [
    ['nothing', [], [], 0],
    ['all that fits', [['a'], ['b', 'c']], [], 2],
    ['exactly what fits', [group(LONGEST_BYTES - 100), group(100)], [], 2],
    ['not one byte more', [group(LONGEST_BYTES - 100), group(101)], [], 1],
    ['less beside other paths', [group(LONGEST_BYTES - 100), group(100)], ['z'], 1],
    ['at least one group, however long', [group(2 * LONGEST_BYTES), ['a']], [], 1],
    ['no path that ingest does not take', [['a'], ['b', 'c d'], ['e']], [], 1],
    ['as many as it does not take', [['a b'], ['c', 'd e'], ['f']], [], 2],
    ['only so many of them', Array.from({ length: 2000 }, (_, index) => [`${index}`]), [], 500],
    ['only so many in a union transaction', Array.from({ length: 2000 }, () => ['a b']), [], 500],
  ];
  for (const [what, groups, beside, fitting] of FITS) {
    it(`counts ${what}`, async () => {
      const found = await fittingGroups(groups, beside, at2_12);
      assert.equal(found, fitting);
      const { byIngest, byUnion } = await divideDeletions(
        [...groups.slice(0, found).flat(), ...beside],
        at2_12,
      );
      if (found < 2) return;
      const isByUnion = groups[0]?.some((path) => path.includes(' ')) ?? false;
      assert.equal(byUnion.length > 0, isByUnion);
      assert.ok(byIngest.join(':').length < 128 * 1024);
    });
  }

  it('knows what the version takes', async () => {
    const groups = [['a:b'], ['c'], ['d:e']];
    assert.equal(await fittingGroups(groups, [], at2_12), 1);
    assert.equal(await fittingGroups(groups, [], async () => V2_13), 3);
  });
});
