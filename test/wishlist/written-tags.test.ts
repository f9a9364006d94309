import assert from 'node:assert/strict';
import { isFailure } from '../../wishlist/failure.ts';
import { parseTagEntry, parseTagPattern } from '../../wishlist/written-tags.ts';

describe('an entry of tags', () => {
  const good: [text: string, kind: 'include' | 'exclude', pattern: string][] = [
    ['1.0', 'include', '1.0'],
    ['v*', 'include', 'v*'],
    ['*', 'include', '*'],
    ['!v*', 'exclude', 'v*'],
    ['!latest', 'exclude', 'latest'],
    ['x'.repeat(128), 'include', 'x'.repeat(128)],
  ];
  for (const [text, kind, pattern] of good) {
    it(`is read from ${text}`, () => assert.deepEqual(parseTagEntry(text), { kind, pattern }));
  }

  for (const text of ['', '!', '!!a', 'a b', '-a', '.a', 'a/b', 'a:b', 'a@b', 'a\n', 'x'.repeat(129)]) {
    it(`is not read from ${JSON.stringify(text)}`, () => {
      const isRefused = (error: unknown): boolean => isFailure(error, 'setting-invalid');
      assert.throws(() => parseTagEntry(text), isRefused);
      assert.throws(() => parseTagPattern(text), isRefused);
    });
  }

  it('excludes nothing where that is its purpose', () => {
    assert.equal(parseTagPattern('a*'), 'a*');
    assert.throws(
      () => parseTagPattern('!a'),
      (error) => isFailure(error, 'setting-invalid'),
    );
  });
});
