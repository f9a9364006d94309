import assert from 'node:assert/strict';
import {
  ANYTHING,
  protectedNames,
  uncertaintyOfWish,
  uncertaintiesOfLines,
  type Uncertainty,
} from '../../../wishlist/meaning/uncertainty.ts';
import { expandRecipes } from '../../../wishlist/meaning/expand.ts';
import { Failure } from '../../../core/failure.ts';
import { parseRecipe } from '../../../wishlist/recipe/recipe.ts';
import { parseReference } from '../../../core/oci/reference.ts';
import { NO_SETTINGS } from '../../../wishlist/recipe/settings.ts';
import { wishOf } from '../../../wishlist/recipe/wish.ts';
import { wholeLists } from '../../support/whole-lists.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

const NAMES = [
  'quay.io/lab/tool:1',
  'quay.io/lab/tool:2',
  `quay.io/lab/tool@${DIGEST}`,
  `quay.io/lab/tool:1@${DIGEST}`,
  'quay.io/lab/tool-box:1',
  'quay.io/lab:1',
  'here/quay.io/lab/tool:1',
  'localhost:5000/quay.io/lab/tool:1',
];

describe('wishlist/meaning/uncertainty: protectedNames', () => {
  const cases: [what: string, uncertainty: Uncertainty, expected: string[]][] = [
    ['anything', ANYTHING, NAMES],
    ['anything in the repository', { ...ANYTHING, repositories: ['x'] }, NAMES],
    ['anything in another repository', { ...ANYTHING, repositories: ['y'] }, []],
    ['any tag', about('quay.io/lab/tool:*', undefined), NAMES.slice(0, 2)],
    ['a pattern', about('quay.io/lab/tool:1*', undefined), NAMES.slice(0, 1)],
    ['the newest of a pattern', about('quay.io/lab/tool:*', undefined, 1), NAMES.slice(0, 2)],
    ['a pattern in a subdirectory', about('quay.io/lab/tool:*', 'here'), ['here/quay.io/lab/tool:1']],
    ['a registry with a port', about('localhost:5000/quay.io/lab/tool:*', undefined), NAMES.slice(-1)],
    [
      'all of an image',
      { repositories: ['x'], image: 'quay.io/lab/tool', inAnySubdirectory: false, selection: undefined },
      NAMES.slice(0, 4),
    ],
    [
      'all of an image in any subdirectory',
      { repositories: ['x'], image: 'quay.io/lab/tool', inAnySubdirectory: true, selection: undefined },
      [...NAMES.slice(0, 4), ...NAMES.slice(-2)],
    ],
  ];
  for (const [what, uncertainty, expected] of cases) {
    it(`finds ${what}`, () => {
      assert.deepEqual([...protectedNames(NAMES, [uncertainty], 'x')], expected);
    });
  }

  it('finds nothing without an uncertainty, and what one of several is about', () => {
    assert.deepEqual([...protectedNames(NAMES, [], 'x')], []);
    const uncertainties = ['quay.io/lab/tool:2*', 'quay.io/lab:*', 'quay.io/lab/tool:2'].map((text) =>
      about(text),
    );
    assert.deepEqual([...protectedNames(NAMES, uncertainties, 'x')], ['quay.io/lab/tool:2', 'quay.io/lab:1']);
  });
});

describe('wishlist/meaning/uncertainty: uncertaintiesOfLines', () => {
  /** `undefined`: anything in the recipe's repositories. */
  const cases: [item: string, image: string | undefined][] = [
    ["'quay.io/lab/tool:v1.('", 'quay.io/lab/tool'],
    ["'quay.io/lab/tool:v1.?('", undefined],
    ["'quay.io/lab/tool@sha256:0123'", 'quay.io/lab/tool'],
    ["'http://QUAY.io/lab/tool:-1'", 'quay.io/lab/tool'],
    ["'localhost:5000/lab/tool:-1'", 'localhost:5000/lab/tool'],
    ["'quay.io/lab/Tool:1'", undefined],
    ["'quay.io/lab/tool:1 quay.io/lab/other:1'", undefined],
    ["'quay.io/lab/tool:1,quay.io/lab/other:1'", undefined],
    ['quay.io/lab/tool:', undefined],
    ["'quay.io'", undefined],
    ["'tool:1'", undefined],
    ["'user:password@quay.io/lab/tool:1'", undefined],
    ["[ 'quay.io/lab/tool:1' ]", undefined],
    ["{ image: 'quay.io/lab/tool:1', platforms: [arm] }", undefined],
    ["{ image: 'quay.io/lab/tool:1', image: 'quay.io/lab/other:1' }", undefined],
    ['', undefined],
  ];
  for (const [item, image] of cases) {
    it(`takes ${item === '' ? 'nothing' : item} for ${image ?? 'anything'}`, () => {
      const recipe = parseRecipe(`version: 1\ncvmfs_repo: x\ninput:\n  - ${item}\n`, 'recipe.yaml');
      const expected = { repositories: ['x'], image, inAnySubdirectory: true, selection: undefined };
      assert.deepEqual(uncertaintiesOfLines(recipe), [expected]);
    });
  }

  it('has none about warnings', () => {
    const text = `version: 1\ncvmfs_repo: x\nunknown: 1\ninput: ['quay.io/a:1', 'quay.io/a:1']\n`;
    const recipe = parseRecipe(text, 'recipe.yaml');
    assert.ok(recipe.problems.length > 0);
    assert.deepEqual(uncertaintiesOfLines(recipe), []);
  });
});

describe('wishlist/meaning/uncertainty: protectedNames, given uncertainties that take long to tell apart', () => {
  const names = Array.from({ length: 2000 }, (_, index) => `quay.io/lab/tool:${index}`);
  const include = Array.from({ length: 900 }, (_, index) => `x${index}*`);
  const uncertainty: Uncertainty = {
    ...about('quay.io/lab/tool:*'),
    selection: { include, exclude: [], newest: undefined },
  };

  it('takes the pattern of one at its word', () => {
    assert.equal(protectedNames(names, [uncertainty], 'x').size, 0);
  });

  it('uncertainties all versions of the image for very many of them', () => {
    const other = 'quay.io/lab/other:1';
    const uncertainties = Array.from({ length: 20_000 }, () => uncertainty);
    const doubtful = protectedNames([...names, other], uncertainties, 'x');
    assert.deepEqual([doubtful.size, doubtful.has(other)], [2000, false]);
  });
});

describe('wishlist/meaning/uncertainty: the uncertainties of expandRecipes', () => {
  it('are about what failed, with exclusions, and about wrong lines', async () => {
    const text = `version: 1\ncvmfs_repo: x\ninput: ['quay.io/a:1*', 'quay.io/b:2*', 'quay.io/c:1', 'quay.io/d:-']\n`;
    const recipe = parseRecipe(text, 'recipe.yaml');
    const { uncertainties } = await expandRecipes(
      [{ ...recipe, defaults: { ...NO_SETTINGS, exclude: ['*-rc'], subdirectory: 'here' } }],
      wholeLists(async ({ repository }) => {
        if (repository === 'a') throw new Failure('registry-unreachable', 'no answer');
        return await Promise.resolve(['2']);
      }),
    );
    const selection = { include: ['1*'], exclude: ['*-rc'], newest: undefined };
    assert.deepEqual(uncertainties, [
      { repositories: ['x'], image: 'quay.io/d', inAnySubdirectory: true, selection: undefined },
      { repositories: ['x'], image: 'here/quay.io/a', inAnySubdirectory: false, selection },
    ]);
  });
});

function about(text: string, subdirectory?: string, newest?: number): Uncertainty {
  const wish = wishOf({ text, reference: parseReference(text) }, 1, NO_SETTINGS);
  const recipe = { file: 'r', repositories: ['x'], defaults: NO_SETTINGS, wishes: [wish], problems: [] };
  const { selection = { include: [wish.reference.tag ?? ''], exclude: [] } } = wish;
  return uncertaintyOfWish({ recipe, wish }, { selection: { ...selection, newest }, subdirectory });
}
