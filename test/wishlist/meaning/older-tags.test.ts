import assert from 'node:assert/strict';
import type { TagList } from '../../../core/oci/reference.ts';
import { OlderTags } from '../../../wishlist/meaning/older-tags.ts';

const SELECTION = { include: ['1.*'], exclude: ['1.0'], newest: 1 };

function list(tags: readonly string[]): TagList {
  return { tags, isWhole: true };
}

describe('wishlist/meaning/older-tags', () => {
  it('gives all tags that match, whatever is the newest', () => {
    const older = new OlderTags();
    assert.deepEqual(older.of(SELECTION, list(['1.2', '1.0', '1.1', '2.0'])), new Set(['1.2', '1.1']));
  });

  it('gives none for a pattern that means all that match', () => {
    assert.equal(new OlderTags().of({ ...SELECTION, newest: undefined }, list(['1.1'])), undefined);
  });

  it('gives so many and no more, of all patterns together', () => {
    const older = new OlderTags();
    const many = Array.from({ length: 200_000 }, (_, index) => `1.${index + 1}`);
    assert.equal(older.of(SELECTION, list(many))?.size, 200_000);
    assert.equal(older.of(SELECTION, list(many)), undefined);
    assert.equal(older.of(SELECTION, list(['1.1']))?.size, 1);
  });
});
