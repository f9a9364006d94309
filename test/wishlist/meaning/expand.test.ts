import type { Recipe } from '../../../wishlist/recipe/recipe.ts';
import assert from 'node:assert/strict';
import { NO_SETTINGS, type WishSettings } from '../../../wishlist/recipe/settings.ts';
import { wishOf } from '../../../wishlist/recipe/wish.ts';
import {
  expandRecipes,
  type Expansion,
  type ListTags,
  type WishedImage,
} from '../../../wishlist/meaning/expand.ts';
import { ALL_READ, WISHLIST } from '../../support/all-read.ts';
import { planRepository } from '../../../wishlist/meaning/plan.ts';
import { Failure, stackOf } from '../../../core/failure.ts';
import { formatPlatform, parsePlatform, type Platform } from '../../../core/oci/platform.ts';
import { parseReference, publicName } from '../../../core/oci/reference.ts';
import type { Wish } from '../../../wishlist/recipe/wish.ts';
import { wholeLists, type TagsOf } from '../../support/whole-lists.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

describe('wishlist/meaning/expand: expandRecipes', () => {
  it('leaves wishes without pattern as they are and asks no registry', async () => {
    const wishes = wishesFor('quay.io/a:1', `quay.io/a@${DIGEST}`, `quay.io/a:1@${DIGEST}`);
    const expansion = await expandWishes(wishes, unexpected);
    assert.deepEqual(
      expansion.images,
      wishes.map((wish) => ({
        reference: wish.reference,
        publicName: publicName(wish.reference),
        repositories: [REPOSITORY],
        platforms: undefined,
        isNamed: true,
        outputs: undefined,
        keep: undefined,
        wishes: [{ recipe: recipeOf(wishes), wish }],
      })),
    );
    assert.deepEqual([expansion.failures, expansion.problems, expansion.uncertainties], [[], [], []]);
  });

  it('expands patterns in the order of wishes and of the registry', async () => {
    const wishes = wishesFor('quay.io/z:1', 'http://quay.io/a:2*', 'quay.io/b:*');
    const expansion = await expandWishes(
      wishes,
      tagLists({ 'quay.io/a': ['21', '3', '2'], 'quay.io/b': ['x'] }),
    );
    assert.deepEqual(names(expansion), ['quay.io/z:1', 'quay.io/a:21', 'quay.io/a:2', 'quay.io/b:x']);
    assert.deepEqual(expansion.images.map(linesOf), ['1', '2', '2', '3']);
    assert.equal(expansion.images[1]?.reference.scheme, 'http');
  });

  it('gives an image once, with all wishes for it', async () => {
    const wishes = wishesFor('quay.io/a:1', 'quay.io/a:*', 'quay.io/a:1', 'quay.io/a:2*', 'quay.io/a:2');
    const expansion = await expandWishes(wishes, tagLists({ 'quay.io/a': ['2', '1', '20', '20'] }));
    assert.deepEqual(
      expansion.images.map((image) => `${linesOf(image)} ${image.publicName}`),
      ['1,2,3 quay.io/a:1', '2,4,5 quay.io/a:2', '2,4 quay.io/a:20'],
    );
  });

  it('lists a repository once, however many patterns there are', async () => {
    const asked: string[] = [];
    const wishes = wishesFor('quay.io/a:1*', 'quay.io/a:2*', 'quay.io/b:*', 'quay.io/a:3*', 'ghcr.io/a:*');
    await expandWishes(wishes, async ({ registry, repository }) => {
      asked.push(`${registry}/${repository}`);
      return await Promise.resolve(['1']);
    });
    assert.deepEqual(asked, ['quay.io/a', 'quay.io/b', 'ghcr.io/a']);
  });

  it('lists four repositories at a time', async () => {
    let running = 0;
    let most = 0;
    const wishes = wishesFor(...Array.from({ length: 11 }, (_, index) => `quay.io/r${index}:*`));
    const expansion = await expandWishes(wishes, async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return ['1'];
    });
    assert.equal(most, 4);
    assert.deepEqual(
      names(expansion),
      wishes.map((_, index) => `quay.io/r${index}:1`),
    );
  });

  it('keeps a failure with the wishes for that repository, and with no others', async () => {
    const failure = new Failure('rate-limited', 'too many requests');
    const wishes = wishesFor('quay.io/a:*', 'quay.io/b:*', 'quay.io/a:1', 'quay.io/a:2*');
    const expansion = await expandWishes(wishes, async ({ repository }) => {
      if (repository === 'a') throw failure;
      return await Promise.resolve(['1']);
    });
    assert.deepEqual(names(expansion), ['quay.io/b:1', 'quay.io/a:1']);
    assert.deepEqual(
      expansion.failures.map(({ wish, failure: kept }) => [wish.line, kept]),
      [
        [1, failure],
        [4, failure],
      ],
    );
    assert.deepEqual(expansion.problems, []);
  });

  it('keeps a mistake with the wishes for that repository, with its stack, and goes on', async () => {
    const wishes = wishesFor(...Array.from({ length: 9 }, (_, index) => `quay.io/r${index}:*`));
    const expansion = await expandWishes(wishes, async ({ repository }) => {
      if (repository === 'r0') throw new TypeError('a mistake');
      return await Promise.resolve(['1']);
    });
    assert.equal(expansion.images.length, 8);
    const [{ wish, failure } = {}, ...others] = expansion.failures;
    assert.deepEqual([wish?.line, failure?.code, others], [1, 'bug', []]);
    assert.match(stackOf(failure), /^TypeError: a mistake\n +at /);
    // What it means is not known: whatever it may mean stays.
    assert.equal(expansion.uncertainties.length, 1);
  });

  it('warns of a pattern that matches nothing', async () => {
    const wishes = wishesFor('quay.io/a:v*', 'quay.io/b:*', 'quay.io/a:1*');
    const expansion = await expandWishes(wishes, tagLists({ 'quay.io/a': ['1', '2'], 'quay.io/b': [] }));
    assert.deepEqual(names(expansion), ['quay.io/a:1']);
    assert.deepEqual(codes(expansion), ['warning pattern-unmatched 1', 'warning pattern-unmatched 2']);
  });

  it('publishes nothing under a name that is no tag', async () => {
    const evil = ['..', '../../etc/passwd', 'a b', '.a', '1', 'x'.repeat(129), 'a\u001b[31m', ''];
    const expansion = await expandWishes(wishesFor('quay.io/a:*'), tagLists({ 'quay.io/a': evil }));
    assert.deepEqual(names(expansion), ['quay.io/a:1']);
    const expected = Array.from({ length: expansion.problems.length }, () => 'warning tag-unusable 1');
    assert.notEqual(expected.length, 0);
    assert.deepEqual(codes(expansion), expected);
    for (const {
      problem: { message },
    } of expansion.problems)
      assert.doesNotMatch(message, /\p{Cc}/u);
  });

  it('gives nothing for nothing', async () => {
    const nothing = { images: [], failures: [], problems: [], refused: [], uncertainties: [], patterns: [] };
    assert.deepEqual(await expandRecipes([], unexpected), { ...nothing, repositories: [] });
    const { repositories, ...rest } = await expandWishes([], unexpected);
    assert.deepEqual(rest, nothing);
    assert.equal(repositories.length, 1);
  });
});

describe('wishlist/meaning/expand: expandRecipes, given tags of what is no image', () => {
  const hex = '0123456789abcdef'.repeat(4);
  const [referrers, signature] = [`sha256-${hex}`, `sha256-${hex}.sig`];
  const lists = tagLists({ 'quay.io/a': ['1.0', referrers, signature, '2.0'] });

  it('passes them over with one note for a pattern', async () => {
    const expansion = await expandWishes(
      wishesFor('quay.io/a:*', 'quay.io/a:1*', 'quay.io/a:sha256-*'),
      lists,
    );
    assert.deepEqual(names(expansion), ['quay.io/a:1.0', 'quay.io/a:2.0']);
    assert.deepEqual(codes(expansion), [
      'note artifacts-passed-over 1',
      'note artifacts-passed-over 3',
      'warning pattern-unmatched 3',
    ]);
  });

  it('takes those that somebody names', async () => {
    const expansion = await expandWishes(wishesFor('quay.io/a:*', `quay.io/a:${signature}`), lists);
    assert.deepEqual(names(expansion), ['quay.io/a:1.0', 'quay.io/a:2.0', `quay.io/a:${signature}`]);
    assert.deepEqual(
      expansion.images.map(({ isNamed }) => isNamed),
      [false, false, true],
    );
  });

  it('takes those that a list of tags names', async () => {
    const selection = { include: ['2*', referrers], exclude: [], newest: undefined };
    const [wish = assert.fail()] = wishesFor('quay.io/a:*');
    const expansion = await expandWishes([{ ...wish, selection }], lists);
    assert.deepEqual(
      expansion.images.map(({ reference, isNamed }) => [reference.tag, isNamed]),
      [
        [referrers, true],
        ['2.0', false],
      ],
    );
    assert.deepEqual(codes(expansion), []);
  });

  it('knows an image as named that a pattern means too, whichever comes first', async () => {
    for (const texts of [
      ['quay.io/a:1*', 'quay.io/a:1.0'],
      ['quay.io/a:1.0', 'quay.io/a:1*'],
    ]) {
      const { images } = await expandWishes(wishesFor(...texts), lists);
      assert.deepEqual(
        images.map(({ isNamed }) => isNamed),
        [true],
      );
    }
  });

  it('does not count them against the limit', async () => {
    const wishes = wishesFor('quay.io/a:*');
    const expansion = await expandWishes(wishes, lists, { ...NO_SETTINGS, limit: 2 });
    assert.equal(expansion.images.length, 2);
  });

  it('lets no plan take away what has such a name and is published', async () => {
    const { images, uncertainties } = await expandWishes(wishesFor('quay.io/a:*'), lists);
    const published = [referrers, '3.0'].map((tag) => ({
      publicName: `quay.io/a:${tag}`,
      platform: parsePlatform('linux/amd64'),
      digest: 'sha256:1',
      keep: undefined,
      unwantedSinceMs: undefined,
      askedBy: [WISHLIST],
      isConfirmed: false,
    }));
    const knowledge = { resolved: () => [], uncertainties, ...ALL_READ, keep: { days: 30 }, nowMs: 0 };
    const plan = planRepository(REPOSITORY, images, published, knowledge);
    assert.deepEqual(
      plan.remove.map((removal) => removal.published.publicName),
      ['quay.io/a:3.0'],
    );
  });
});

describe('wishlist/meaning/expand: expandRecipes, given a list that may not be whole', () => {
  const lists: ListTags = async () => await Promise.resolve({ tags: ['1.0', '1.1', '2.0'], isWhole: false });

  it('takes what it has, warns once for each line, and holds everything for possible that a pattern matches', async () => {
    const wishes = wishesFor('quay.io/a:1.*', 'quay.io/a:3.*', 'quay.io/a:2.0');
    const expansion = await expandRecipes([recipeOf(wishes)], lists);
    assert.deepEqual(names(expansion), ['quay.io/a:1.0', 'quay.io/a:1.1', 'quay.io/a:2.0']);
    assert.deepEqual(codes(expansion), ['warning tags-incomplete 1', 'warning tags-incomplete 2']);
    assert.deepEqual(
      expansion.uncertainties.map(({ image, selection }) => [image, selection?.include]),
      [
        ['quay.io/a', ['1.*']],
        ['quay.io/a', ['3.*']],
      ],
    );
  });

  it('lets no plan take away what it lacks, and everything that no pattern matches', async () => {
    const wishes = wishesFor('quay.io/a:1.*');
    const { images, uncertainties } = await expandRecipes([recipeOf(wishes)], lists);
    const published = ['1.0', '1.7', '2.0'].map((tag) => ({
      publicName: `quay.io/a:${tag}`,
      platform: parsePlatform('linux/amd64'),
      digest: 'sha256:1',
      keep: undefined,
      unwantedSinceMs: undefined,
      askedBy: [WISHLIST],
      isConfirmed: false,
    }));
    const plan = planRepository(REPOSITORY, images, published, {
      resolved: () => [{ platform: parsePlatform('linux/amd64'), digest: 'sha256:1' }],
      uncertainties,
      ...ALL_READ,
      keep: { days: 30 },
      nowMs: 0,
    });
    assert.deepEqual(
      plan.unknown.map(({ publicName }) => publicName),
      ['quay.io/a:1.7'],
    );
    assert.deepEqual(
      plan.remove.map(({ published: { publicName } }) => publicName),
      ['quay.io/a:2.0'],
    );
  });
});

describe('wishlist/meaning/expand: expandRecipes, given platforms', () => {
  /** `wishes`: `IMAGE [PLATFORM,…]`; `expected`: `IMAGE [PLATFORM[!],…]`, `!` for those that are required. */
  const cases: [what: string, wishes: string[], byDefault: string | undefined, expected: string[]][] = [
    ['nothing', ['quay.io/a:1'], undefined, ['quay.io/a:1']],
    ['a default', ['quay.io/a:1'], 'linux/arm64', ['quay.io/a:1 linux/arm64']],
    ['a wish', ['quay.io/a:1 linux/arm64'], undefined, ['quay.io/a:1 linux/arm64!']],
    ['a wish and a default', ['quay.io/a:1 linux/arm64'], 'linux/386', ['quay.io/a:1 linux/arm64!']],
    [
      'a pattern',
      ['quay.io/a:* linux/arm64,linux/amd64'],
      'linux/386',
      ['quay.io/a:1 linux/arm64!,linux/amd64!', 'quay.io/a:2 linux/arm64!,linux/amd64!'],
    ],
    [
      'a pattern and a wish that mean the same image',
      ['quay.io/a:* linux/arm64', 'quay.io/a:1 linux/amd64,linux/arm64'],
      undefined,
      ['quay.io/a:1 linux/arm64!,linux/amd64!', 'quay.io/a:2 linux/arm64!'],
    ],
    [
      'one of two wishes for an image, and a default',
      ['quay.io/a:1', 'quay.io/a:1 linux/arm64'],
      'linux/amd64,linux/arm64',
      ['quay.io/a:1 linux/amd64,linux/arm64!'],
    ],
    [
      'the same, in the other order',
      ['quay.io/a:1 linux/arm64', 'quay.io/a:1'],
      'linux/amd64,linux/arm64',
      ['quay.io/a:1 linux/arm64!,linux/amd64'],
    ],
    [
      'one of two wishes for an image alone',
      ['quay.io/a:*', 'quay.io/a:1 linux/arm64'],
      undefined,
      ['quay.io/a:1 linux/amd64!,linux/arm64!', 'quay.io/a:2'],
    ],
    [
      'the later one alone',
      ['quay.io/a:1 linux/arm64', 'quay.io/a:*'],
      undefined,
      ['quay.io/a:1 linux/arm64!,linux/amd64!', 'quay.io/a:2'],
    ],
  ];
  for (const [what, texts, byDefault, expected] of cases) {
    it(`takes those of ${what}`, async () => {
      const wishes = texts.map((text, index) => {
        const [image = '', platforms] = text.split(' ');
        return wishFor(image, index + 1, platformsOf(platforms));
      });
      const lists = tagLists({ 'quay.io/a': ['1', '2'] });
      const { images } = await expandWishes(wishes, lists, {
        ...NO_SETTINGS,
        platforms: platformsOf(byDefault),
      });
      assert.deepEqual(images.map(described), expected);
    });
  }
});

describe('wishlist/meaning/expand: expandRecipes, given several recipes', () => {
  /** `expected`: `PUBLIC NAME in REPOSITORIES, lines LINES`, in order. */
  const cases: [what: string, recipes: Recipe[], expected: string[]][] = [
    [
      'one image for one repository: one job',
      [recipe('one', 'x', ['quay.io/a:1']), recipe('two', 'x', ['quay.io/a:*'])],
      ['quay.io/a:1 in x, lines one:1,two:1', 'quay.io/a:2 in x, lines two:1'],
    ],
    [
      'one image for different repositories',
      [recipe('one', 'x', ['quay.io/a:1']), recipe('two', 'y', ['quay.io/a:1'])],
      ['quay.io/a:1 in x, lines one:1', 'quay.io/a:1 in y, lines two:1'],
    ],
    [
      'repositories that overlap',
      [recipe('one', 'x y', ['quay.io/a:1']), recipe('two', 'y z', ['quay.io/b:1', 'quay.io/a:1'])],
      [
        'quay.io/a:1 in x, lines one:1',
        'quay.io/a:1 in y, lines one:1,two:2',
        'quay.io/a:1 in z, lines two:2',
        'quay.io/b:1 in y z, lines two:1',
      ],
    ],
    [
      'a subdirectory of one of them',
      [recipe('one', 'x', ['quay.io/a:1']), recipe('two', 'x', ['quay.io/a:1'], { subdirectory: 'lab/one' })],
      ['quay.io/a:1 in x, lines one:1', 'lab/one/quay.io/a:1 in x, lines two:1'],
    ],
  ];
  for (const [what, recipes, expected] of cases) {
    it(`gives ${what}`, async () => {
      const { images, problems } = await expandRecipes(
        recipes,
        wholeLists(tagLists({ 'quay.io/a': ['1', '2'] })),
      );
      const found = images.map((image) => {
        const lines = image.wishes.map(({ recipe: { file }, wish }) => `${file}:${wish.line}`);
        return `${image.publicName} in ${image.repositories.join(' ')}, lines ${lines.join(',')}`;
      });
      assert.deepEqual(found, expected);
      assert.deepEqual(problems, []);
    });
  }

  it('lists a repository once for all, and each scheme by itself', async () => {
    const asked: string[] = [];
    const recipes = [
      recipe('one', 'x', ['quay.io/a:1*', 'http://quay.io/a:1*']),
      recipe('two', 'y', ['quay.io/a:*']),
    ];
    await expandRecipes(
      recipes,
      wholeLists(async ({ scheme, repository }) => {
        asked.push(`${scheme} ${repository}`);
        return await Promise.resolve([]);
      }),
    );
    assert.deepEqual(asked, ['https a', 'http a']);
  });

  it('takes a wish in some repositories of its recipe', async () => {
    const both = recipe('one', 'x y', ['quay.io/a:1', 'quay.io/b:1']);
    const wishes = both.wishes.map((wish, index) => (index === 0 ? { ...wish, repositories: ['y'] } : wish));
    const { images } = await expandRecipes([{ ...both, wishes }], unexpected);
    assert.deepEqual(
      images.map(({ repositories }) => repositories),
      [['y'], ['x', 'y']],
    );
  });

  it('tells in which recipe a problem or a failure is', async () => {
    const recipes = [
      recipe('one', 'x', ['quay.io/a:v*']),
      recipe('two', 'x', ['quay.io/b:*', 'quay.io/a:w*']),
    ];
    const { failures, problems } = await expandRecipes(
      recipes,
      wholeLists(async ({ repository }) => {
        if (repository === 'b') throw new Failure('forbidden', 'no');
        return await Promise.resolve(['1']);
      }),
    );
    assert.deepEqual(
      problems.map((one) => `${one.recipe.file}:${one.problem.line} ${one.problem.code}`),
      ['one:1 pattern-unmatched', 'two:2 pattern-unmatched'],
    );
    assert.deepEqual(
      failures.map((one) => `${one.recipe.file}:${one.wish.line} ${one.failure.code}`),
      ['two:1 forbidden'],
    );
  });
});

describe('wishlist/meaning/expand: expandRecipes, given settings', () => {
  const cases: [
    what: string,
    wishes: Partial<WishSettings>[],
    ofRecipe: Partial<WishSettings>,
    expected: Partial<WishedImage>,
  ][] = [
    ['those of the wish first', [{ outputs: ['flat'] }], { outputs: ['layers'] }, { outputs: ['flat'] }],
    ['then those of the recipe', [{}], { keep: { days: 3 } }, { keep: { days: 3 }, outputs: ['podman'] }],
    ['then the defaults', [{}], {}, { outputs: ['podman'], keep: { days: 1 } }],
    [
      'the outputs of all wishes',
      [{ outputs: ['flat', 'layers'] }, { outputs: ['podman', 'flat'] }],
      {},
      { outputs: ['flat', 'layers', 'podman'] },
    ],
    ['the longest time', [{ keep: { days: 9 } }, { keep: { days: 10 } }], {}, { keep: { days: 10 } }],
    ['the longest time, by the first', [{ keep: { days: 11 } }, {}], {}, { keep: { days: 11 } }],
    ['the most old images of a tag', [{ keptDigests: 2 }, { keptDigests: 3 }], {}, { keptDigests: 3 }],
    ['old images of a tag, by the first', [{ keptDigests: 2 }, {}], {}, { keptDigests: 2 }],
    ['old images of a tag, by the recipe', [{}], { keptDigests: 4 }, { keptDigests: 4, keep: { days: 1 } }],
    ['forever before any time', [{ keep: { days: 9 } }, { keep: 'forever' }], {}, { keep: 'forever' }],
  ];
  for (const [what, wishes, ofRecipe, expected] of cases) {
    it(`takes ${what}`, async () => {
      const images = wishes.map((_, index) => (index === 0 ? 'quay.io/a:1' : 'quay.io/a:*'));
      const plain = recipe('one', 'x', images, ofRecipe);
      const set = plain.wishes.map((wish, index) => ({
        ...wish,
        settings: { ...NO_SETTINGS, ...wishes[index] },
      }));
      const expansion = await expandRecipes(
        [{ ...plain, wishes: set }],
        wholeLists(tagLists({ 'quay.io/a': ['1'] })),
        {
          ...NO_SETTINGS,
          outputs: ['podman'],
          keep: { days: 1 },
        },
      );
      const [image, ...others] = expansion.images;
      assert.ok(image !== undefined && others.length === 0);
      assert.deepEqual({ ...image, ...expected }, image);
    });
  }

  it('writes out the usual outputs where only one wish names some', async () => {
    const recipes = [
      recipe('one', 'x', ['quay.io/a:1']),
      recipe('two', 'x', ['quay.io/a:1'], { outputs: ['podman', 'flat'] }),
    ];
    const { images } = await expandRecipes(recipes, unexpected);
    assert.deepEqual(
      images.map(({ outputs }) => outputs),
      [['layers', 'flat', 'chains', 'podman']],
    );
  });
});

describe('wishlist/meaning/expand: expandRecipes, given a limit', () => {
  const lists = tagLists({ 'quay.io/a': ['1', '2', '3', '3'], 'quay.io/b': ['1'] });
  const cases: [wish: number | undefined, ofRecipe: number | undefined, byDefault: number, found: number][] =
    [
      [undefined, undefined, 3, 3],
      [undefined, undefined, 2, 0],
      [undefined, 3, 2, 3],
      [3, 2, 2, 3],
      [2, 3, 3, 0],
    ];
  for (const [limit, ofRecipe, byDefault, found] of cases) {
    it(`takes ${found} of 3 tags, allowed ${limit}, by the recipe ${ofRecipe}, by default ${byDefault}`, async () => {
      const plain = recipe('one', 'x', ['quay.io/a:*', 'quay.io/b:1'], { limit: ofRecipe });
      const wishes = plain.wishes.map((wish) => ({ ...wish, settings: { ...NO_SETTINGS, limit } }));
      const defaults = { ...NO_SETTINGS, limit: byDefault };
      const expansion = await expandRecipes([{ ...plain, wishes }], wholeLists(lists), defaults);
      assert.equal(expansion.images.length, found + 1);
      assert.deepEqual(codes(expansion), found === 0 ? ['error pattern-too-wide 1'] : []);
      assert.equal(expansion.uncertainties.length, found === 0 ? 1 : 0);
    });
  }
});

describe('wishlist/meaning/expand: expandRecipes, given images that get one public name', () => {
  /** Recipes `FILE REPOSITORIES SUBDIRECTORY IMAGE…`. */
  const cases: [what: string, recipes: string[], images: string[], problems: string[]][] = [
    [
      'two schemes',
      ['one x - quay.io/a:1', 'two x - http://quay.io/a:* quay.io/a:1'],
      ['https quay.io/a:1 in x', 'http quay.io/a:2 in x'],
      ['two:1 name-conflict'],
    ],
    [
      'two schemes, plain HTTP first',
      ['one x - http://quay.io/a:1 http://quay.io/a:2', 'two x - quay.io/a:1'],
      ['https quay.io/a:1 in x', 'http quay.io/a:2 in x'],
      ['one:1 name-conflict'],
    ],
    [
      'two schemes, plain HTTP first, in one of two repositories',
      ['one x,y - http://quay.io/a:1', 'two x - quay.io/a:1'],
      ['https quay.io/a:1 in x', 'http quay.io/a:1 in y'],
      ['one:1 name-conflict'],
    ],
    [
      'two schemes, in one of two repositories',
      ['one x - quay.io/a:1', 'two x,y - http://quay.io/a:1'],
      ['https quay.io/a:1 in x', 'http quay.io/a:1 in y'],
      ['two:1 name-conflict'],
    ],
    [
      'two schemes, in different repositories',
      ['one x - quay.io/a:1', 'two y - http://quay.io/a:1'],
      ['https quay.io/a:1 in x', 'http quay.io/a:1 in y'],
      [],
    ],
    [
      'a subdirectory that looks like a registry',
      ['one x quay.io docker.io/lab/tool:1', 'two x - quay.io/docker.io/lab/tool:1'],
      ['https quay.io/docker.io/lab/tool:1 in x'],
      ['two:1 name-conflict'],
    ],
    [
      'a subdirectory that looks like a registry, later',
      ['one x - quay.io/docker.io/lab/tool:1', 'two x quay.io docker.io/lab/tool:1'],
      ['https quay.io/docker.io/lab/tool:1 in x'],
      ['two:1 name-conflict'],
    ],
    [
      'a name below another',
      ['one x - quay.io/lab/tool:1', 'two x quay.io/lab tool:1/editor:2'],
      ['https quay.io/lab/tool:1 in x'],
      ['two:1 name-conflict'],
    ],
    [
      'a name above another',
      ['one x quay.io/lab tool:1/editor:2 tool:2/editor:2', 'two x,y - quay.io/lab/tool:1'],
      [
        'https quay.io/lab/tool:1/editor:2 in x',
        'https quay.io/lab/tool:2/editor:2 in x',
        'https quay.io/lab/tool:1 in y',
      ],
      ['two:1 name-conflict'],
    ],
    [
      'one name in different subdirectories',
      ['one x lab quay.io/a:1', 'two x lab/b http://quay.io/a:1'],
      ['https lab/quay.io/a:1 in x', 'http lab/b/quay.io/a:1 in x'],
      [],
    ],
  ];
  for (const [what, texts, images, problems] of cases) {
    it(`leaves the first in its place: ${what}`, async () => {
      const recipes = texts.map((text) => {
        const [file = '', repositories = '', subdirectory, ...wishes] = text.split(' ');
        const settings = subdirectory === '-' ? {} : { subdirectory };
        return recipe(file, repositories.replaceAll(',', ' '), wishes, settings);
      });
      const expansion = await expandRecipes(recipes, wholeLists(tagLists({ 'quay.io/a': ['1', '2'] })));
      assert.deepEqual(
        expansion.images.map(
          ({ reference, publicName: name, repositories }) =>
            `${reference.scheme} ${name} in ${repositories.join(' ')}`,
        ),
        images,
      );
      assert.deepEqual(
        expansion.problems.map((one) => `${one.recipe.file}:${one.problem.line} ${one.problem.code}`),
        problems,
      );
      assert.equal(expansion.uncertainties.length, problems.length);
    });
  }
});

function recipe(
  file: string,
  repositories: string,
  images: readonly string[],
  defaults: Partial<WishSettings> = {},
): Recipe {
  return {
    file,
    repositories: repositories.split(' '),
    defaults: { ...NO_SETTINGS, ...defaults },
    wishes: wishesFor(...images),
    problems: [],
  };
}

const REPOSITORY = 'images.example.org';

function recipeOf(wishes: readonly Wish[]): Recipe {
  return { file: 'recipe.yaml', repositories: [REPOSITORY], defaults: NO_SETTINGS, wishes, problems: [] };
}

async function expandWishes(
  wishes: readonly Wish[],
  tagsOf: TagsOf,
  defaults?: WishSettings,
): Promise<Expansion> {
  return await expandRecipes([recipeOf(wishes)], wholeLists(tagsOf), defaults);
}

function linesOf({ wishes }: WishedImage): string {
  return wishes.map(({ wish }) => wish.line).join(',');
}

function platformsOf(text: string | undefined): Platform[] | undefined {
  return text?.split(',').map(parsePlatform);
}

function described({ reference, platforms }: WishedImage): string {
  const wanted = platforms?.map((one) => `${formatPlatform(one.platform)}${one.isRequired ? '!' : ''}`);
  return [publicName(reference), ...(wanted === undefined ? [] : [wanted.join(',')])].join(' ');
}

function wishesFor(...texts: string[]): Wish[] {
  return texts.map((text, index) => wishFor(text, index + 1));
}

function wishFor(text: string, line: number, platforms?: readonly Platform[]): Wish {
  return wishOf({ text, reference: parseReference(text) }, line, { ...NO_SETTINGS, platforms });
}

function tagLists(lists: Record<string, string[]>): TagsOf {
  return async ({ registry, repository }) => await Promise.resolve(lists[`${registry}/${repository}`] ?? []);
}

function unexpected(): Promise<never> {
  throw new Error('no list is needed');
}

function names(expansion: Expansion): string[] {
  return expansion.images.map(({ reference }) => publicName(reference));
}

function codes(expansion: Expansion): string[] {
  return expansion.problems.map(({ problem: { severity, code, line } }) => `${severity} ${code} ${line}`);
}
