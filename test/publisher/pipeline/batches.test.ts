import assert from 'node:assert/strict';
import { decideBatch, type BatchRule, type Waiting } from '../../../publisher/pipeline/batches.ts';

/** Images by name: `a10 b5` brings the layer a of 10 bytes and b of 5. */
function image(layers: string): Waiting & { readonly name: string } {
  const missing = layers
    .split(' ')
    .filter((layer) => layer !== '')
    .map((layer) => ({ digest: layer.slice(0, 1), sizeBytes: Number(layer.slice(1)) }));
  return { name: layers, missing, readySinceMs: 0 };
}

const NOTHING_COMES = { isMoreComing: false, isMoreExpected: false, nowMs: 0 };

/** All batches of images that are ready, as they are published one after the other. */
function divided<Image extends Waiting>(images: readonly Image[], rule: BatchRule): Image[][] {
  const { batch = [] } = decideBatch(images, NOTHING_COMES, rule);
  return batch.length === 0 ? [] : [[...batch], ...divided(images.slice(batch.length), rule)];
}

describe('publisher/pipeline/batches', () => {
  const cases: [what: string, mostBytes: number, images: string[], batches: string[][]][] = [
    ['no images', 100, [], []],
    ['one image', 100, ['a10'], [['a10']]],
    ['images that fit together', 100, ['a50', 'b50'], [['a50', 'b50']]],
    ['images that do not', 100, ['a50', 'b51'], [['a50'], ['b51']]],
    ['the order of the images, which stays', 100, ['a60', 'b60', 'c40'], [['a60'], ['b60', 'c40']]],
    ['an image that alone is too heavy', 100, ['a10', 'b500', 'c10'], [['a10'], ['b500'], ['c10']]],
    ['an image that alone is too heavy, at the start', 100, ['b500', 'a10'], [['b500'], ['a10']]],
    ['layers that are shared: they weigh once', 100, ['a90', 'a90 b10', 'a90'], [['a90', 'a90 b10', 'a90']]],
    [
      'a layer that is shared over batches: it weighs in each',
      100,
      ['a90', 'a90 b20', 'b20 c70'],
      [['a90'], ['a90 b20'], ['b20 c70']],
    ],
    ['a layer twice in an image', 100, ['a60 a60', 'b40'], [['a60 a60', 'b40']]],
    [
      'images that bring nothing',
      10,
      ['a10', '', '', 'b1', ''],
      [
        ['a10', '', ''],
        ['b1', ''],
      ],
    ],
    ['a limit of nothing', 0, ['a1', 'b1', '', ''], [['a1'], ['b1'], ['', '']]],
    [
      'more images than go together',
      100,
      ['a1', '', '', '', '', 'b1'],
      [
        ['a1', '', '', ''],
        ['', 'b1'],
      ],
    ],
    [
      'images of which each alone is too heavy: each by itself, though they share it',
      10,
      ['a50', 'a50', 'a50 b1', 'c1'],
      [['a50'], ['a50'], ['a50 b1'], ['c1']],
    ],
  ];
  for (const [what, mostBytes, images, batches] of cases) {
    it(`divides ${what}`, () => {
      const batched = divided(images.map(image), { bytes: mostBytes, images: 4, ageMs: 0 });
      assert.deepEqual(
        batched.map((batch) => batch.map(({ name }) => name)),
        batches,
      );
    });
  }
});

const RULE = { bytes: 100, images: 3, ageMs: 5000 };

/** `a60@5`: brings 60 bytes, ready since 5 ms. */
function ready(text: string): Waiting & { readonly name: string } {
  const [, digest = '', bytes, since] = /^(\w)(\d+)@(\d+)$/.exec(text) ?? [];
  return { name: digest, missing: [{ digest, sizeBytes: Number(bytes) }], readySinceMs: Number(since) };
}

describe('publisher/pipeline/batches', () => {
  const cases: [
    what: string,
    images: string,
    coming: 'more' | 'perhaps more' | 'no more',
    nowMs: number,
    expected: string | number | undefined,
  ][] = [
    ['nothing where nothing is ready', '', 'more', 0, undefined],
    ['all where nothing more is coming', 'a10@0 b10@0', 'no more', 0, 'ab'],
    ['nothing yet while more is coming', 'a10@0 b10@0', 'more', 400, 4600],
    ['all when the first has waited long enough', 'a10@0 b10@900', 'more', 5000, 'ab'],
    ['nothing yet for a little while registries are asked', 'a10@0 b10@0', 'perhaps more', 400, 600],
    ['all soon while registries are asked', 'a10@0 b10@900', 'perhaps more', 1000, 'ab'],
    ['a batch that is full by bytes', 'a60@0 b60@0', 'more', 0, 'a'],
    ['a batch that is full by images', 'a1@0 b1@0 c1@0', 'perhaps more', 0, 'abc'],
    ['as many images as may be', 'a1@0 b1@0 c1@0 d1@0', 'no more', 0, 'abc'],
    ['an image that is too large for any batch alone', 'a500@0 b1@0', 'more', 0, 'a'],
  ];
  for (const [what, images, coming, nowMs, expected] of cases) {
    it(`publishes ${what}`, () => {
      const given = images.split(' ').filter(Boolean).map(ready);
      const isMoreExpected = coming !== 'no more';
      const decision = decideBatch(given, { isMoreComing: coming === 'more', isMoreExpected, nowMs }, RULE);
      const found = decision.batch?.map(({ name }) => name).join('');
      assert.equal(found ?? ('againMs' in decision ? decision.againMs : undefined), expected);
    });
  }
});
