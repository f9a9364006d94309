import assert from 'node:assert/strict';
import { LONGEST_PATH_BYTES, memberPath } from '../../../publisher/layer/member-path.ts';

describe('publisher/layer/member-path', () => {
  const component = 'c'.repeat(255);
  const longest = 'cccccccc/'.repeat(400).slice(0, LONGEST_PATH_BYTES);
  const deepest = Array.from({ length: 500 }, () => 'c').join('/');

  const paths: [name: string, path: string][] = [
    ['a', 'a'],
    ['a/b', 'a/b'],
    ['a/', 'a'],
    ['./a', 'a'],
    ['././a/./b/.', 'a/b'],
    ['/a', 'a'],
    ['//a//b//', 'a/b'],
    ['.', ''],
    ['./', ''],
    ['/', ''],
    ['', ''],
    ['..a/b..', '..a/b..'],
    ['.../a', '.../a'],
    ['.a', '.a'],
    ['a\n/b\n', 'a\n/b\n'],
    ['a\n.', 'a\n.'],
    ['\xff\xfe/\x80', '\xff\xfe/\x80'],
    [`./${component}/${component}`, `${component}/${component}`],
    [`/${longest}/`, longest],
    [`./${deepest}/`, deepest],
  ];
  for (const [name, path] of paths) {
    it(`${shown(name)} means ${shown(path)}`, () => {
      assert.equal(memberPath(name), path);
    });
  }

  const refused = [
    '..',
    '../a',
    'a/..',
    'a/../b',
    '/../a',
    './..',
    'a/../../b',
    'a\0',
    'a\0/b',
    `a/${component}c`,
    `${component}c`,
    `${longest}c`,
    `${deepest}/c`,
    'a/'.repeat(100_000),
  ];
  for (const name of refused) {
    it(`refuses ${shown(name)}`, () => {
      assert.throws(() => memberPath(name), { code: 'layer-refused' });
    });
  }
});

function shown(name: string): string {
  return name.length > 60
    ? `${name.length} bytes ${JSON.stringify(name.slice(0, 5))}…`
    : JSON.stringify(name);
}
