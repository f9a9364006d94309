import assert from 'node:assert/strict';
import { askersIn, readSourcesOf, type Origins } from '../../../daemon/cycle/askers.ts';
import { parseReference } from '../../../core/oci/reference.ts';
import { isDropped } from '../../../wishlist/meaning/read-sources.ts';
import type { WishedImage } from '../../../wishlist/meaning/wished-image.ts';
import { NO_SETTINGS } from '../../../wishlist/recipe/settings.ts';
import { wishOf } from '../../../wishlist/recipe/wish.ts';
import type { SourceState } from '../../../wishlist/sources/source.ts';

const NAME = 'quay.io/a:1';
const [RECIPE, FILE] = ['/home/it/recipe.yaml', '/etc/unpackd/recipe.yaml'];

describe('daemon/cycle/askers', () => {
  const cases: [
    what: string,
    origins: Origins,
    source: string | undefined,
    asker: string,
    isDroppable: boolean,
  ][] = [
    ['a configured source', { sources: [source('git')] }, 'git', 'git', true],
    ['a configured file without a name', { sources: [source(FILE)] }, FILE, `file:${FILE}`, true],
    ['a recipe of convert', { sources: [], recipePath: RECIPE }, undefined, RECIPE, false],
    ['a recipe of loop', { sources: [source(RECIPE)], recipePath: RECIPE }, RECIPE, RECIPE, false],
  ];
  for (const [what, origins, name, asker, isDroppable] of cases) {
    it(`tells ${what} from others`, () => {
      const asked = askersIn('x', [image(name)], origins);
      assert.deepEqual([...asked], [[NAME, { sources: [asker], keep: undefined }]]);
      const { read, configured } = readSourcesOf(origins);
      assert.deepEqual([...read], [asker]);
      assert.deepEqual(configured && [...configured], origins.sources.length > 0 ? [asker] : undefined);
      assert.equal(isDropped(asker, new Set(['other'])), isDroppable);
    });
  }

  it('takes no source as read that has failed, also where its last content is in force', () => {
    const failed = { ...source(RECIPE), failure: new Error('no') } as unknown as SourceState;
    assert.equal(readSourcesOf({ sources: [failed], recipePath: RECIPE }).read.size, 0);
  });
});

function source(name: string): SourceState {
  return { name, content: { recipes: [] }, failure: undefined } as unknown as SourceState;
}

function image(source: string | undefined): WishedImage {
  const reference = parseReference(NAME);
  const origin = source === undefined ? undefined : { source };
  const wish = { ...wishOf({ text: NAME, reference }, 1, NO_SETTINGS), origin };
  const recipe = { file: 'f', repositories: ['x'], defaults: NO_SETTINGS, wishes: [wish], problems: [] };
  const wishes = [{ recipe, wish }] as unknown as WishedImage['wishes'];
  const settings = { platforms: undefined, outputs: undefined, keep: undefined };
  return { reference, publicName: NAME, repositories: ['x'], isNamed: true, wishes, ...settings };
}
