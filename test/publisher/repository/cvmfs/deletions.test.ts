import assert from 'node:assert/strict';
import { divideDeletions } from '../../../../publisher/repository/cvmfs/deletions.ts';
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

describe('divideDeletions', () => {
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
