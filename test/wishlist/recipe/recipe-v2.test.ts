import assert from 'node:assert/strict';
import { isFailure } from '../../../core/failure.ts';
import { formatPlatform } from '../../../core/oci/platform.ts';
import { parseRecipe, type Recipe } from '../../../wishlist/recipe/recipe.ts';
import { formatReference } from '../../../core/oci/reference.ts';
import { NO_SETTINGS, type WishSettings } from '../../../wishlist/recipe/settings.ts';
import type { Wish } from '../../../wishlist/recipe/wish.ts';

const REPOSITORIES = 'repositories: [one.example.org, two.example.org]';
const HEAD = ['version: 2', REPOSITORIES];
const WISH = ['input:', '- image: quay.io/lab/a:1'];
const A = 'image: quay.io/lab/a';

describe('wishlist/recipe/recipe-v2: a recipe of version 2', () => {
  it('has all that it can have', () => {
    const recipe = parse([
      ...HEAD,
      'user: somebody',
      'output_format: x',
      'defaults:',
      '  platforms: [linux/amd64, linux/arm64]',
      '  outputs: [layers, flat, chains]',
      '  keep: 30d',
      "  exclude: ['*-rc*', nightly]",
      '  subdirectory: physics/v1.2',
      '  limit: 50',
      'input:',
      "  - 'quay.io/lab/a:1.*'",
      '  - image: quay.io/lab/b',
      "    tags: ['2.*', '!2.0', latest]",
      '    newest: 3',
      '    platforms: linux/arm/v7',
      '    outputs: flat',
      '    keep: forever',
      '    exclude: x*',
      '    subdirectory: other',
      '    limit: 7',
      '    repositories: [two.example.org]',
    ]);
    assert.deepEqual(summary(recipe), []);
    assert.deepEqual(recipe.repositories, ['one.example.org', 'two.example.org']);
    assert.deepEqual(recipe.defaults, {
      platforms: [
        { os: 'linux', architecture: 'amd64' },
        { os: 'linux', architecture: 'arm64' },
      ],
      outputs: ['layers', 'flat', 'chains'],
      keep: { days: 30 },
      exclude: ['*-rc*', 'nightly'],
      subdirectory: 'physics/v1.2',
      limit: 50,
    });
    const [first, second] = recipe.wishes;
    assert.deepEqual(first?.selection, { include: ['1.*'], exclude: [], newest: undefined });
    assert.deepEqual([first?.settings, first?.repositories], [NO_SETTINGS, undefined]);
    assert.deepEqual(second, {
      text: 'quay.io/lab/b',
      line: 14,
      reference: {
        scheme: 'https',
        registry: 'quay.io',
        repository: 'lab/b',
        tag: '*',
        digest: undefined,
      },
      selection: { include: ['2.*', 'latest'], exclude: ['2.0'], newest: 3 },
      settings: {
        platforms: [{ os: 'linux', architecture: 'arm', variant: 'v7' }],
        outputs: ['flat'],
        keep: 'forever',
        exclude: ['x*'],
        subdirectory: 'other',
        limit: 7,
      },
      repositories: ['two.example.org'],
      origin: undefined,
    } satisfies Wish);
  });

  it('means the same as one of version 1 with the same lines', () => {
    const lines = [
      'user: somebody',
      'cvmfs_repo: one.example.org',
      'output_format: x',
      'platforms: [linux/amd64, arm64, linux/x86_64]',
      'unknown: 1',
      'input:',
      '- quay.io/a',
      '- http://quay.io/a:latest',
      '- quay.io/b:*',
      '- {image: "quay.io/c@sha256:12"}',
      '- {image: quay.io/d:1, platforms: linux/386}',
      '- {image: quay.io/d:1, platforms: linux/arm64}',
      '- debian',
      '-',
    ];
    const [first, second] = [1, 2].map((version) => parse([`version: ${version}`, ...lines]));
    const withoutHints = (recipe: Recipe | undefined) => ({
      ...recipe,
      problems: recipe?.problems.map((problem) => Object.assign({}, problem, { hint: undefined })),
    });
    assert.deepEqual(withoutHints(second), withoutHints(first));
    assert.ok((first?.problems.length ?? 0) > 5);
  });
});

describe('wishlist/recipe/recipe-v2: the repositories of a recipe', () => {
  const cases: [lines: string[], repositories: string[], problems: string[]][] = [
    [['repositories: [a.b, c.d]'], ['a.b', 'c.d'], []],
    [['repositories:', '- a.b'], ['a.b'], []],
    [['repositories: a.b'], ['a.b'], []],
    [['cvmfs_repo: a.b'], ['a.b'], []],
    [['repositories: [a.b, c.d, a.b]'], ['a.b', 'c.d'], ['warning entry-repeated 2:26']],
    [['x: &x [a.b]', 'repositories: *x'], ['a.b'], ['warning key-unknown 2:1']],
  ];
  for (const [lines, repositories, problems] of cases) {
    it(`are read from ${lines.join(' ')}`, () => {
      const recipe = parse(['version: 2', ...lines, 'input: []']);
      assert.deepEqual([recipe.repositories, summary(recipe)], [repositories, problems]);
    });
  }

  const unusable: [lines: string[], place: string][] = [
    [[], '1:1'],
    [['repositories:'], '2:13'],
    [['repositories: []'], '2:15'],
    [['repositories: {a: b}'], '2:15'],
    [['repositories: [a.b, 12]'], '2:21'],
    [['repositories: [a.b, [c.d]]'], '2:21'],
    [['repositories: [a.b, c/d]'], '2:21'],
    [['repositories:', '- a.b', '- ..'], '4:3'],
    [["repositories: ''"], '2:16'],
    [['repositories: a.b', 'cvmfs_repo: a.b'], '3:13'],
    [['cvmfs_repo: a.b', 'repositories: [a.b]'], '3:15'],
    [['repositories: a.b', 'repositories: [c.d]'], '3:1'],
    [['cvmfs_repo: [a.b]'], '2:13'],
    [['repositories: a.b', 'platforms: linux/386', 'defaults: {platforms: linux/386}'], '4:23'],
    [['repositories: a.b', 'defaults: {platforms: linux/386}', 'platforms: linux/386'], '4:12'],
    [['repositories: a.b', 'defaults: {}', 'defaults: {}'], '4:1'],
  ];
  for (const [lines, place] of unusable) {
    it(`make it unusable: ${lines.join('; ')}`, () => {
      assert.throws(
        () => parse(['version: 2', ...lines, 'input: []']),
        (error) =>
          isFailure(error, 'recipe-invalid') &&
          error.message.startsWith(`r.yaml:${place}: `) &&
          error.hint !== undefined,
      );
    });
  }

  it('are one in version 1', () => {
    const recipe = parse(['version: 1', 'cvmfs_repo: a.b', 'repositories: [c.d]', 'input: []']);
    assert.deepEqual([recipe.repositories, summary(recipe)], [['a.b'], ['warning key-unknown 3:1']]);
    assert.match(recipe.problems[0]?.hint ?? '', /version: 2/);
  });
});

/** `value`: as written after the key, from column 15 on in a wish and from column 13 on in the defaults. */
interface SettingCase {
  readonly setting: string;
  /** What is left of it in the defaults. */
  readonly read?: Partial<WishSettings>;
  /** Severity, code and column, seen from the beginning of the key. */
  readonly problems?: readonly string[];
}

const SETTINGS: readonly SettingCase[] = [
  { setting: 'platforms: linux/386', read: { platforms: [{ os: 'linux', architecture: '386' }] } },
  { setting: 'platforms: [arm64]', problems: ['error platform-invalid 13'] },
  { setting: 'platforms:', problems: ['error platform-invalid 10'] },

  {
    setting: 'outputs: [flat, layers, chains]',
    read: { outputs: ['flat', 'layers', 'chains'] },
  },
  { setting: 'outputs: flat', read: { outputs: ['flat'] } },
  { setting: 'outputs: "flat"', read: { outputs: ['flat'] } },
  {
    setting: 'outputs: [flat, flat]',
    read: { outputs: ['flat'] },
    problems: ['warning entry-repeated 17'],
  },
  {
    setting: 'outputs: [layers, podman]',
    read: { outputs: ['layers', 'podman'] },
  },
  { setting: 'outputs: [flat, podman]', problems: ['error setting-invalid 10'] },
  { setting: 'outputs: podman', problems: ['error setting-invalid 10'] },
  {
    setting: 'outputs: [flat, squash]',
    read: { outputs: ['flat'] },
    problems: ['error setting-invalid 17'],
  },
  { setting: 'outputs: Flat', problems: ['error setting-invalid 10'] },
  { setting: 'outputs: [chains]', problems: ['error setting-invalid 10'] },
  { setting: 'outputs: [flat, chains]', problems: ['error setting-invalid 10'] },
  { setting: 'outputs: [layer, chains]', problems: ['error setting-invalid 11'] },
  { setting: 'outputs: []', problems: ['error setting-invalid 10'] },
  { setting: 'outputs:', problems: ['error setting-invalid 8'] },
  { setting: 'outputs: {flat: true}', problems: ['error setting-invalid 10'] },
  { setting: 'outputs: [[flat]]', problems: ['error setting-invalid 11'] },
  { setting: 'outputs: 1', problems: ['error setting-invalid 10'] },

  { setting: 'keep: forever', read: { keep: 'forever' } },
  { setting: 'keep: 1d', read: { keep: { days: 1 } } },
  { setting: 'keep: 36500d', read: { keep: { days: 36_500 } } },
  { setting: 'keep: 1', read: { keptDigests: 1 } },
  { setting: 'keep: 100', read: { keptDigests: 100 } },
  { setting: 'keep: [30d]', read: { keep: { days: 30 } } },
  { setting: 'keep: [30d, 3]', read: { keep: { days: 30 }, keptDigests: 3 } },
  { setting: 'keep: [3, forever]', read: { keep: 'forever', keptDigests: 3 } },
  { setting: 'keep: 0', problems: ['error setting-invalid 7'] },
  { setting: 'keep: 101', problems: ['error setting-invalid 7'] },
  { setting: 'keep: 1.5', problems: ['error setting-invalid 7'] },
  { setting: "keep: '3'", problems: ['error setting-invalid 8'] },
  { setting: 'keep: []', problems: ['error setting-invalid 7'] },
  { setting: 'keep: [3, 4]', problems: ['error setting-invalid 7'] },
  { setting: 'keep: [1d, 2d]', problems: ['error setting-invalid 7'] },
  { setting: 'keep: [3, 4w]', problems: ['error setting-invalid 11'] },
  { setting: 'keep: 2w', problems: ['error setting-invalid 7'] },
  { setting: 'keep:', problems: ['error setting-invalid 5'] },

  { setting: 'exclude: "*-rc*"', read: { exclude: ['*-rc*'] } },
  { setting: 'exclude: ["*-rc*", dev]', read: { exclude: ['*-rc*', 'dev'] } },
  {
    setting: 'exclude: [dev, dev]',
    read: { exclude: ['dev'] },
    problems: ['warning entry-repeated 16'],
  },
  { setting: 'exclude: [dev, "a b"]', read: { exclude: ['dev'] }, problems: ['error setting-invalid 17'] },
  { setting: 'exclude: [1.10]', problems: ['error setting-invalid 11'] },
  { setting: 'exclude: []', problems: ['error setting-invalid 10'] },
  { setting: 'exclude: "!dev"', problems: ['error setting-invalid 11'] },

  { setting: 'subdirectory: physics', read: { subdirectory: 'physics' } },
  { setting: 'subdirectory: a/b.c', read: { subdirectory: 'a/b.c' } },
  { setting: 'subdirectory: quay.io', problems: ['error setting-invalid 15'] },
  { setting: 'subdirectory: 2024', problems: ['error setting-invalid 15'] },
  { setting: 'subdirectory: [a]', problems: ['error setting-invalid 15'] },

  { setting: 'limit: 1', read: { limit: 1 } },
  { setting: 'limit: 1000000', read: { limit: 1_000_000 } },
  { setting: 'limit: 1e3', read: { limit: 1000 } },
  { setting: 'limit: 0x10', read: { limit: 16 } },
  { setting: 'limit: 0', problems: ['error setting-invalid 8'] },
  { setting: 'limit: 1000001', problems: ['error setting-invalid 8'] },
  { setting: 'limit: -1', problems: ['error setting-invalid 8'] },
  { setting: 'limit: 1.5', problems: ['error setting-invalid 8'] },
  { setting: 'limit: .inf', problems: ['error setting-invalid 8'] },
  { setting: 'limit: "5"', problems: ['error setting-invalid 9'] },
  { setting: 'limit: [5]', problems: ['error setting-invalid 8'] },
  { setting: 'limit:', problems: ['error setting-invalid 6'] },
];

describe('wishlist/recipe/recipe-v2: a setting', () => {
  for (const { setting, read = {}, problems = [] } of SETTINGS) {
    const isWrong = problems.some((problem) => problem.startsWith('error '));

    it(`in the defaults is read, and never costs an image: ${setting}`, () => {
      const recipe = parse([...HEAD, 'defaults:', `  ${setting}`, "input: ['quay.io/a:1']"]);
      assert.deepEqual(recipe.defaults, { ...NO_SETTINGS, ...read });
      assert.deepEqual(summary(recipe), at(problems, 4, 2));
      assert.equal(recipe.wishes.length, 1);
      assert.deepEqual(recipe.wishes[0]?.settings, NO_SETTINGS);
      for (const { hint, text } of recipe.problems) {
        assert.notEqual(hint, undefined);
        assert.notEqual(text, '');
      }
    });

    it(`of a wish is read, and makes it fail where it is wrong: ${setting}`, () => {
      const recipe = parse([...HEAD, 'input:', '- image: quay.io/a:*', `  ${setting}`, '- quay.io/b:1']);
      assert.deepEqual(summary(recipe), at(problems, 5, 2));
      assert.deepEqual(
        recipe.wishes.map(({ settings }) => settings),
        isWrong ? [NO_SETTINGS] : [{ ...NO_SETTINGS, ...read }, NO_SETTINGS],
      );
      for (const problem of recipe.problems) assert.equal(problem.text, 'quay.io/a:*');
    });

    if (!setting.startsWith('platforms'))
      it(`is unknown in version 1: ${setting}`, () => {
        const lines = ['version: 1', 'cvmfs_repo: a.b', 'input:', '- image: quay.io/a:*', `  ${setting}`];
        const recipe = parse(lines);
        assert.deepEqual(summary(recipe), ['warning key-unknown 5:3']);
        assert.match(recipe.problems[0]?.hint ?? '', /version: 2/);
        assert.deepEqual(recipe.wishes[0]?.settings, NO_SETTINGS);
      });
  }
});

describe('wishlist/recipe/recipe-v2: the defaults', () => {
  const cases: [lines: string[], problems: string[], platforms: string[] | undefined][] = [
    [['defaults: {}'], [], undefined],
    [['defaults:'], ['error setting-invalid 3:9'], undefined],
    [['defaults: []'], ['error setting-invalid 3:11'], undefined],
    [['defaults: flat'], ['error setting-invalid 3:11'], undefined],
    [['platforms: linux/386', 'defaults: flat'], ['error setting-invalid 4:11'], ['linux/386']],
    [['platforms: linux/386', 'defaults: {limit: 3}'], [], ['linux/386']],
    [['defaults: {platform: linux/386}'], ['error key-unknown 3:12'], undefined],
    [['defaults: {newest: 3}'], ['error key-unknown 3:12'], undefined],
    [
      ['defaults: {platforms: linux/386, platforms: linux/arm64}'],
      ['error setting-invalid 3:34'],
      ['linux/386'],
    ],
    [['x: &x {platforms: linux/386}', 'defaults: *x'], ['warning key-unknown 3:1'], ['linux/386']],
  ];
  for (const [lines, problems, platforms] of cases) {
    it(`are read from ${lines.join('; ')}`, () => {
      const recipe = parse([...HEAD, ...lines, 'input: [quay.io/a:1]']);
      assert.deepEqual(summary(recipe), problems);
      assert.deepEqual(recipe.defaults.platforms?.map(formatPlatform), platforms);
      assert.equal(recipe.wishes.length, 1);
    });
  }
});

describe('wishlist/recipe/recipe-v2: an unknown key', () => {
  const cases: readonly (readonly [
    what: string,
    lines: readonly string[],
    problem: string,
    hint: RegExp,
    images: number,
  ])[] = [
    ['of a wish', [...WISH, '  newset: 2'], 'error key-unknown 5:3', /did you mean newest\?/, 0],
    ['of a wish, near none', [...WISH, '  zzzzzzzz: 2'], 'error key-unknown 5:3', /the keys are /, 0],
    ['of a wish, which no word is', [...WISH, '  [a]: 2'], 'error key-unknown 5:3', /the keys are /, 0],
    ['of the defaults', ['defaults: {outptus: flat}', ...WISH], 'error key-unknown 3:12', /outputs\?/, 1],
    ['of the recipe, a slip', ['defualts: {}', ...WISH], 'error key-unknown 3:1', /defaults\?/, 1],
    ['of the recipe, out of place', ['keep: 3d', ...WISH], 'error key-unknown 3:1', /keep below defaults/, 1],
    [
      'of the recipe, for anchors',
      ['x-lists: &a [a]', ...WISH],
      'warning key-unknown 3:1',
      /the keys are/,
      1,
    ],
  ];
  for (const [what, lines, problem, hint, images] of cases) {
    it(`${what}: ${problem}`, () => {
      const recipe = parse([...HEAD, ...lines]);
      assert.deepEqual(summary(recipe), [problem]);
      assert.match(recipe.problems[0]?.hint ?? '', hint);
      assert.equal(recipe.wishes.length, images);
    });
  }

  for (const lines of [
    ['defualts: {}', ...WISH],
    [...WISH, '  newset: 2'],
    ['outputs: flat', ...WISH],
  ]) {
    it(`is a warning in version 1: ${lines.join('; ')}`, () => {
      const recipe = parse(['version: 1', 'cvmfs_repo: a.b', ...lines]);
      assert.deepEqual(
        recipe.problems.map(({ severity, code }) => [severity, code]),
        [['warning', 'key-unknown']],
      );
      assert.equal(recipe.wishes.length, 1);
    });
  }
});

describe('wishlist/recipe/recipe-v2: the tags of a wish', () => {
  /** What is chosen: `REFERENCE include… !exclude… newest`. */
  const cases: [item: string, chosen: string | undefined, problems: string[]][] = [
    ['quay.io/a:1', 'quay.io/a:1', []],
    ['"quay.io/a:1*"', 'quay.io/a:1* 1*', []],
    [`{${A}}`, 'quay.io/lab/a:latest', []],
    [`{${A}, tags: "1*"}`, 'quay.io/lab/a:* 1*', []],
    [`{${A}, tags: [one, "2*"]}`, 'quay.io/lab/a:* one 2*', []],
    [`{${A}, tags: ["*", "!*-rc"], newest: 2}`, 'quay.io/lab/a:* * !*-rc 2', []],
    [`{image: quay.io/a:v*, newest: 5}`, 'quay.io/a:v* v* 5', []],
    [`{${A}, tags: [one, one, "!one"]}`, 'quay.io/lab/a:* one !one', ['warning entry-repeated 4:38']],
    [`{${A}, newest: 5}`, undefined, ['error setting-invalid 4:34']],
    [`{image: quay.io/a:1, newest: 5}`, undefined, ['error setting-invalid 4:32']],
    [`{${A}, tags: "*", newest: 0}`, undefined, ['error setting-invalid 4:45']],
    [`{${A}, tags: "*", newest: all}`, undefined, ['error setting-invalid 4:45']],
    [`{${A}, tags: []}`, undefined, ['error setting-invalid 4:32']],
    [`{${A}, tags: }`, undefined, ['error setting-invalid 4:30']],
    [`{${A}, tags: {a: b}}`, undefined, ['error setting-invalid 4:32']],
    [`{${A}, tags: [1.10, "2"]}`, undefined, ['error setting-invalid 4:33']],
    [`{${A}, tags: ["a b", "-x"]}`, undefined, ['error setting-invalid 4:34', 'error setting-invalid 4:41']],
    [`{${A}, tags: "!1*"}`, undefined, ['error setting-invalid 4:33']],
    [`{image: quay.io/a:1, tags: "1*"}`, undefined, ['error setting-invalid 4:31']],
    [`{image: quay.io/a:v*, tags: "1*"}`, undefined, ['error setting-invalid 4:32']],
    [`{image: "quay.io/a@sha256:${'0'.repeat(64)}", tags: "1*"}`, undefined, ['error setting-invalid 4:103']],
    [`{image: "localhost:5000/a", tags: "1*"}`, 'localhost:5000/a:* 1*', []],
    [`{image: a, tags: []}`, undefined, ['error reference-invalid 4:11', 'error setting-invalid 4:20']],
    [`{image: a, newest: 0}`, undefined, ['error reference-invalid 4:11', 'error setting-invalid 4:22']],
    [`{image: quay.io/a:1, limit: 3}`, 'quay.io/a:1', ['warning setting-unused 4:31']],
    [`{image: quay.io/a:1, exclude: x}`, 'quay.io/a:1', ['warning setting-unused 4:33']],
    [`{${A}, tags: x, tags: y}`, undefined, ['error setting-invalid 4:35']],
    [`{${A}, newst: 3}`, undefined, ['error key-unknown 4:26']],
    ['{tags: x, newest: 3}', undefined, ['error reference-invalid 4:3']],
  ];
  for (const [item, chosen, problems] of cases) {
    it(`are read from ${item}`, () => {
      const recipe = parse([...HEAD, 'input:', `- ${item}`]);
      assert.deepEqual(summary(recipe), problems);
      assert.deepEqual(recipe.wishes.map(choice), chosen === undefined ? [] : [chosen]);
      for (const { hint } of recipe.problems) assert.notEqual(hint, undefined);
    });
  }

  it('may be excluded by default where the wish is for a single image', () => {
    const recipe = parse([...HEAD, 'defaults: {exclude: x, limit: 3}', 'input: [quay.io/a:1]']);
    assert.deepEqual(summary(recipe), []);
  });
});

describe('wishlist/recipe/recipe-v2: the repositories of a wish', () => {
  const cases: [value: string, repositories: string[] | undefined, problems: string[]][] = [
    ['one.example.org', ['one.example.org'], []],
    ['[two.example.org, one.example.org]', ['two.example.org', 'one.example.org'], []],
    ['[one.example.org, one.example.org]', ['one.example.org'], ['warning entry-repeated 5:35']],
    ['[one.example.org, three.example.org]', undefined, ['error setting-invalid 5:35']],
    ['[]', undefined, ['error setting-invalid 5:17']],
    ['1', undefined, ['error setting-invalid 5:17']],
    ['{}', undefined, ['error setting-invalid 5:17']],
  ];
  for (const [value, repositories, problems] of cases) {
    it(`are a part of the recipe's: ${value}`, () => {
      const recipe = parse([...HEAD, 'input:', '- image: quay.io/a:1', `  repositories: ${value}`]);
      assert.deepEqual(summary(recipe), problems);
      assert.deepEqual(
        recipe.wishes.map((wish) => wish.repositories),
        repositories === undefined ? [] : [repositories],
      );
    });
  }
});

describe('wishlist/recipe/recipe-v2: wishes for the same image in version 2', () => {
  const cases: [what: string, items: string[], kept: number[], repeated: number[]][] = [
    ['with equal tags', [`{${A}, tags: x}`, `{${A}, tags: [x]}`], [4], [5]],
    ['with other tags', [`{${A}, tags: x}`, `{${A}, tags: y}`, `{${A}, tags: x, newest: 1}`], [4, 5, 6], []],
    ['with and without tags', [`{${A}}`, `{${A}, tags: latest}`], [4, 5], []],
    ['with equal settings', [`{${A}, outputs: [flat, layers]}`, `{${A}, outputs: [layers, flat]}`], [4], [5]],
    ['with other outputs', [`{${A}, outputs: flat}`, `{${A}}`], [4, 5], [5]],
    ['kept for another time', [`{${A}, keep: 1d}`, `{${A}, keep: 2d}`, `{${A}, keep: 1d}`], [4, 5], [5, 6]],
    ['in another subdirectory', [`{${A}, subdirectory: x}`, `{${A}}`], [4, 5], []],
    [
      'in other repositories',
      [`{${A}, repositories: one.example.org}`, `{${A}, repositories: two.example.org}`],
      [4, 5],
      [],
    ],
    ['in all repositories and in one', [`{${A}}`, `{${A}, repositories: two.example.org}`], [4, 5], [5]],
    [
      'for other platforms',
      [`{${A}, platforms: linux/386, keep: 1d}`, `{${A}, platforms: linux/386}`],
      [4, 5],
      [5],
    ],
  ];
  for (const [what, items, kept, repeated] of cases) {
    it(`count where they say more: ${what}`, () => {
      const recipe = parse([...HEAD, 'input:', ...items.map((item) => `- ${item}`)]);
      assert.deepEqual(
        recipe.wishes.map(({ line }) => line),
        kept,
      );
      assert.deepEqual(
        summary(recipe),
        repeated.map((line) => `warning wish-repeated ${line}:3`),
      );
    });
  }
});

describe('wishlist/recipe/recipe-v2: the problems of a recipe of version 2', () => {
  it('suggest the key that is meant', () => {
    const recipe = parse([
      ...HEAD,
      'default: {}',
      'defaults: {subdir: x, limits: 3}',
      'input: [{image: quay.io/a:1, repository: x, kep: 1d}]',
    ]);
    const hints = recipe.problems.map(({ hint = '' }) => /did you mean (\w+)\?/.exec(hint)?.[1]);
    assert.deepEqual(hints, ['defaults', undefined, 'limit', 'repositories', 'keep']);
  });

  it('suggest quotes where they help', () => {
    const recipe = parse([
      ...HEAD,
      'defaults: {keep: 300, exclude: 1.10, subdirectory: 2024, outputs: 1}',
      `input: [{${A}, tags: 1.10}]`,
    ]);
    const quotes = recipe.problems.map(({ hint = '' }) => hint.includes('quotes'));
    assert.deepEqual(quotes, [false, false, true, true, true]);
  });

  it('are one for one mistake', () => {
    const recipe = parse([...HEAD, 'input:', `- {${A}, tags: [1.10, '!x'], outputs: [layer, chains]}`]);
    assert.deepEqual(summary(recipe), ['error setting-invalid 4:56', 'error setting-invalid 4:33']);
  });

  it('show no secrets', () => {
    const secret = 'user:s3cret@quay.io/a';
    const recipe = parse([
      ...HEAD,
      `defaults: {outputs: '${secret}', keep: '${secret}', exclude: ['${secret}'], subdirectory: '${secret}'}`,
      'input:',
      `- {${A}, tags: '${secret}', newest: '${secret}', repositories: '${secret}', limit: ['${secret}']}`,
    ]);
    assert.equal(recipe.problems.length, 8);
    assert.doesNotMatch(JSON.stringify(recipe), /s3cret/);
  });
});

function parse(lines: readonly string[]): Recipe {
  return parseRecipe(lines.join('\n'), 'r.yaml');
}

function summary({ problems }: Recipe): string[] {
  return problems.map(({ severity, code, line, column }) => `${severity} ${code} ${line}:${column}`);
}

/** `problems` with a column each, moved to where the key stands. */
function at(problems: readonly string[], line: number, indentation: number): string[] {
  return problems.map((problem) => {
    const words = problem.split(' ');
    const column = Number(words.pop()) + indentation;
    return [...words, `${line}:${column}`].join(' ');
  });
}

function choice({ reference, selection }: Wish): string {
  const exclude = selection?.exclude.map((pattern) => `!${pattern}`) ?? [];
  const newest = selection?.newest === undefined ? [] : [selection.newest];
  return [formatReference(reference), ...(selection?.include ?? []), ...exclude, ...newest].join(' ');
}
