import assert from 'node:assert/strict';
import { isFailure } from '../../../core/failure.ts';
import {
  parseTagEntry,
  parseTagPattern,
  tagMatcher,
  type TagEntry,
} from '../../../wishlist/tags/tag-entry.ts';

const ENTRIES: [text: string, kind: TagEntry['kind'], pattern: string][] = [
  ['1.2', 'include', '1.2'],
  ['  1.*\n', 'include', '1.*'],
  ['[!a]*', 'include', '[!a]*'],
  ['>=21.2 <22', 'include', '>=21.2 <22'],
  [' ^1.2 ', 'include', '^1.2'],
  ['1.x', 'include', '1.x'],
  ['!*-rc*', 'exclude', '*-rc*'],
  ['! *-rc*', 'exclude', '*-rc*'],
  ['![!a]*', 'exclude', '[!a]*'],
  ['!1.2', 'exclude', '1.2'],
  ['!>=22', 'exclude', '>=22'],
  ['!=1.2', 'exclude', '=1.2'],
];

describe('wishlist/tags/tag-entry: parseTagEntry', () => {
  for (const [text, kind, pattern] of ENTRIES) {
    it(`reads ${JSON.stringify(text)} as ${kind} ${pattern}`, () => {
      assert.deepEqual(parseTagEntry(text), { kind, pattern });
      assert.equal(parseTagPattern(pattern), pattern);
    });
  }

  for (const text of ['', ' ', '!', '!!a', '! !a', '{a', '!{a', '>=', '!>=', 'quay.io/a:1', 'a b', '\\*']) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => parseTagEntry(text),
        (error) => isFailure(error, 'pattern-invalid') && error.hint !== undefined,
      );
    });
  }
});

describe('wishlist/tags/tag-entry: parseTagEntry, given a password', () => {
  for (const text of [
    'user:s3cret@quay.io/a',
    'https://user:s3cret@quay.io/a:1',
    '>=1 user:s3cret@quay.io/a',
    '!user:s3cret@quay.io/a:1.*',
    'quay.io/a:1?token=s3cret',
    'https://quay.io/a?s3cret',
  ]) {
    it(`refuses ${text} without telling it`, () => {
      assert.throws(
        () => parseTagEntry(text),
        (error) => isFailure(error, 'pattern-invalid') && !/s3cret/.test(`${error.message} ${error.hint}`),
      );
    });
  }
});

describe('wishlist/tags/tag-entry: parseTagPattern', () => {
  it('knows no exclusions', () => {
    assert.throws(
      () => parseTagPattern('!*-rc*'),
      (error) => isFailure(error, 'pattern-invalid'),
    );
  });
});

describe('wishlist/tags/tag-entry: tagMatcher', () => {
  it('takes ranges for versions and everything else for spellings', () => {
    const tags = ['1.x', '1.2', '1.2.0', 'v1.2', '1.20'];
    assert.deepEqual(tags.filter(tagMatcher('1.2')), ['1.2']);
    assert.deepEqual(tags.filter(tagMatcher('=1.2.0')), ['1.2', '1.2.0', 'v1.2']);
    assert.deepEqual(tags.filter(tagMatcher('1.x')), ['1.x']);
    assert.deepEqual(tags.filter(tagMatcher('1.2*')), ['1.2', '1.2.0', '1.20']);
  });
});
