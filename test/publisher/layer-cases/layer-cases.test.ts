import assert from 'node:assert/strict';
import { temporaryDirectory } from '../../support/setup.ts';
import { ALL_CASES } from '../tree/cases.ts';
import { LAYER_TABLES } from './cases.ts';
import { blobsOf, factsOfImage } from './image-of.ts';
import { imageLines } from './lines.ts';

describe('publisher/layer-cases/layer-cases', () => {
  for (const { rule, cases } of LAYER_TABLES) {
    describe(rule, () => {
      for (const { what, layers, compress, expected } of cases) {
        it(what, async () => {
          const folder = await temporaryDirectory('layer-case');
          const lines = imageLines(await factsOfImage(folder, await blobsOf(layers, compress)));
          assert.deepEqual(lines, expected.toSorted());
        });
      }
    });
  }

  it('are all here', () => {
    const ours = LAYER_TABLES.flatMap(({ cases }) => cases).length;
    assert.ok(ours + ALL_CASES.length >= 240, `${ours} cases of layers and ${ALL_CASES.length} of merging`);
  });
});
