import assert from 'node:assert/strict';
import { decideBatch, type Waiting } from '../../../publisher/pipeline/batch-rule.ts';

const RULE = { bytes: 100, images: 3, ageMs: 1000 };

/** `a60@5`: brings 60 bytes, ready since 5 ms. */
function ready(text: string): Waiting & { readonly name: string } {
  const [, digest = '', bytes, since] = /^(\w)(\d+)@(\d+)$/.exec(text) ?? [];
  return { name: digest, missing: [{ digest, sizeBytes: Number(bytes) }], readySinceMs: Number(since) };
}

describe('the rule of batches', () => {
  const cases: [
    what: string,
    images: string,
    more: boolean,
    nowMs: number,
    expected: string | number | undefined,
  ][] = [
    ['nothing where nothing is ready', '', true, 0, undefined],
    ['all where nothing more is coming', 'a10@0 b10@0', false, 0, 'ab'],
    ['nothing yet while more is coming', 'a10@0 b10@0', true, 400, 600],
    ['all when the first has waited long enough', 'a10@0 b10@900', true, 1000, 'ab'],
    ['a batch that is full by bytes', 'a60@0 b60@0', true, 0, 'a'],
    ['a batch that is full by images', 'a1@0 b1@0 c1@0', true, 0, 'abc'],
    ['as many images as may be', 'a1@0 b1@0 c1@0 d1@0', false, 0, 'abc'],
    ['an image that is too large for any batch alone', 'a500@0 b1@0', true, 0, 'a'],
  ];
  for (const [what, images, isMoreComing, nowMs, expected] of cases) {
    it(`publishes ${what}`, () => {
      const given = images.split(' ').filter(Boolean).map(ready);
      const decision = decideBatch(given, { isMoreComing, nowMs }, RULE);
      const found = decision.batch?.map(({ name }) => name).join('');
      assert.equal(found ?? ('againMs' in decision ? decision.againMs : undefined), expected);
    });
  }
});
