import assert from 'node:assert/strict';
import { expandRecipes } from '../../../wishlist/meaning/expand.ts';
import { parseRecipe } from '../../../wishlist/recipe/recipe.ts';
import { heldBytes, HeldMeter } from '../../publisher/heap.ts';

const LISTS = 40;
const TAGS = 50_000;

describe('wishlist/meaning/list-memory', () => {
  it('is what the wishes mean of them, and nothing of the others', async () => {
    const names = Array.from({ length: LISTS }, (_, index) => `  - 'quay.io/lab/tool${index}:v1-*'\n`);
    const text = `version: 1\ncvmfs_repo: images.unpackd.test\ninput:\n${names.join('')}`;
    const recipe = parseRecipe(text, 'recipe.yaml');
    const meter = new HeldMeter(10);
    const before = heldBytes();
    const { images } = await expandRecipes([recipe], async ({ repository }) => {
      meter.look();
      const tags = Array.from({ length: TAGS }, (_, index) => `v${index}-${repository.length}`);
      return await Promise.resolve({ tags, isWhole: true });
    });
    assert.equal(images.length, LISTS);
    const held = heldBytes() - before;
    assert.ok(held < 5_000_000, `${held} bytes are held for ${LISTS} lists of ${TAGS} tags`);
    assert.ok(meter.mostBytes < 60_000_000, `${meter.mostBytes} bytes were held meanwhile`);
  });
});
