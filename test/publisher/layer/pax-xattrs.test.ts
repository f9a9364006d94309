import assert from 'node:assert/strict';
import { GlobalRecords, type PaxRecords } from '../../../publisher/layer/pax.ts';

const CAPABILITY = '\x01\0\0\x02\xff\n';
const IN_BASE_64 = Buffer.from(CAPABILITY, 'latin1').toString('base64');

/** Of a member with these records, in an archive without global headers. */
const xattrsOf = (records: PaxRecords): ReadonlyMap<string, string> => new GlobalRecords().xattrsFor(records);

describe('publisher/layer/pax-xattrs', () => {
  const cases: [what: string, records: Record<string, string>, xattrs: Record<string, string>][] = [
    ['nothing', {}, {}],
    ['records of other kinds', { path: 'a', 'SCHILY.acl.access': 'x', 'LIBARCHIVE.creationtime': '1' }, {}],
    ['a plain value', { 'SCHILY.xattr.user.a': CAPABILITY }, { 'user.a': CAPABILITY }],
    ['an empty value', { 'SCHILY.xattr.user.a': '' }, { 'user.a': '' }],
    ['a name in which nothing is decoded', { 'SCHILY.xattr.user.a%20b': 'x' }, { 'user.a%20b': 'x' }],
    ['a value in base 64', { 'LIBARCHIVE.xattr.user.a': IN_BASE_64 }, { 'user.a': CAPABILITY }],
    [
      'a value in base 64 without padding',
      { 'LIBARCHIVE.xattr.user.a': IN_BASE_64.replaceAll('=', '') },
      { 'user.a': CAPABILITY },
    ],
    ['a percent-encoded name', { 'LIBARCHIVE.xattr.user.a%20%c3%A9': 'eA==' }, { 'user.a \xc3\xa9': 'x' }],
    [
      'both kinds, of which the plain one holds',
      { 'LIBARCHIVE.xattr.user.a': 'eA==', 'SCHILY.xattr.user.a': 'y', 'LIBARCHIVE.xattr.user.b': 'eg==' },
      { 'user.a': 'y', 'user.b': 'z' },
    ],
    ['names that objects have', { 'SCHILY.xattr.__proto__': 'x' }, JSON.parse('{"__proto__":"x"}')],
  ];
  for (const [what, records, xattrs] of cases) {
    it(`reads ${what}`, () => {
      assert.deepEqual(xattrsOf(new Map(Object.entries(records))), new Map(Object.entries(xattrs)));
    });
  }

  for (const key of ['SCHILY.xattr.', 'SCHILY.xattr.user.\0', 'LIBARCHIVE.xattr.%00']) {
    it(`refuses the name ${JSON.stringify(key)}`, () => {
      assert.throws(() => xattrsOf(new Map([[key, '']])), { code: 'layer-refused' });
    });
  }

  it('refuses what is not base 64', () => {
    assert.throws(() => xattrsOf(new Map([['LIBARCHIVE.xattr.user.a', 'a b']])), { code: 'layer-corrupt' });
  });

  const many: [what: string, count: number, bytes: number][] = [
    ['100 attributes', 100, 500],
    ['64 KiB of attributes', 2, 32_768],
  ];
  for (const [what, count, bytes] of many) {
    it(`takes ${what}, and refuses more`, () => {
      const names = Array.from({ length: count }, (_, index) => `SCHILY.xattr.user.${index + 100}`);
      const records = new Map(names.map((name) => [name, 'x'.repeat(bytes - 'user.100'.length)]));
      assert.equal(xattrsOf(records).size, count);
      for (const key of ['SCHILY.xattr.user.x', 'LIBARCHIVE.xattr.user.y'])
        assert.throws(() => xattrsOf(new Map([...records, [key, '']])), { code: 'layer-refused' });
    });
  }

  it('knows its records', () => {
    assert.deepEqual(
      ['SCHILY.xattr.user.a', 'LIBARCHIVE.xattr.user.a', 'path', 'xattr.user.a'].map((key) =>
        xattrsOf(new Map([[key, '']])).has('user.a'),
      ),
      [true, true, false, false],
    );
  });
});
