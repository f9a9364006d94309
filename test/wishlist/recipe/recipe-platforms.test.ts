import assert from 'node:assert/strict';
import { formatPlatform, type Platform } from '../../../core/oci/platform.ts';
import { parseRecipe, type Recipe } from '../../../wishlist/recipe/recipe.ts';
import { formatReference } from '../../../core/oci/reference.ts';

const HEAD = ['version: 1', 'cvmfs_repo: unpacked.example.org'];

/** `problems`: severity, code, line and column. */
type Case = [what: string, lines: string[], platforms: string | undefined, problems: string[]];

describe('wishlist/recipe/recipe-platforms: platforms of a recipe', () => {
  const cases: Case[] = [
    ['nothing', [], undefined, []],
    ['a list', ['platforms: [linux/amd64, linux/arm/v7]'], 'linux/amd64,linux/arm/v7', []],
    ['lines', ['platforms:', '- linux/amd64', "- 'linux/arm64'"], 'linux/amd64,linux/arm64', []],
    ['a single platform', ['platforms: linux/arm64'], 'linux/arm64', []],
    ['an alias', ['x: &x [linux/arm64]', 'platforms: *x'], 'linux/arm64', ['warning key-unknown 3:1']],
    ['an empty list', ['platforms: []'], undefined, ['error platform-invalid 3:12']],
    ['an empty value', ['platforms:'], undefined, ['error platform-invalid 3:10']],
    ['an empty text', ["platforms: ''"], undefined, ['error platform-invalid 3:13']],
    ['a mapping', ['platforms: {linux: amd64}'], undefined, ['error platform-invalid 3:12']],
    ['a number', ['platforms: [386, linux/386]'], 'linux/386', ['error platform-invalid 3:13']],
    ['a nested list', ['platforms:', '- [linux/386]'], undefined, ['error platform-invalid 4:3']],
    ['commas in a text', ['platforms: linux/386, linux/arm'], undefined, ['error platform-invalid 3:12']],
    [
      'wrong entries',
      ['platforms: [arm64, linux/386, windows/amd64]'],
      'linux/386',
      ['error platform-invalid 3:13', 'error platform-invalid 3:31'],
    ],
    [
      'repeated entries',
      ['platforms: [linux/amd64, linux/x86_64, linux/amd64/v1]'],
      'linux/amd64',
      ['warning platform-repeated 3:26', 'warning platform-repeated 3:40'],
    ],
  ];
  for (const [what, lines, platforms, problems] of cases) {
    it(`are read from ${what}, and the images are kept`, () => {
      const recipe = parse([...HEAD, ...lines, 'input: [quay.io/a:1]']);
      assert.equal(listed(recipe.defaults.platforms), platforms);
      assert.deepEqual(summary(recipe), problems);
      assert.deepEqual(wishes(recipe), [`${3 + lines.length} quay.io/a:1`]);
    });
  }
});

describe('wishlist/recipe/recipe-platforms: a wish with platforms', () => {
  const cases: [what: string, lines: string[], wishes: string[], problems: string[]][] = [
    [
      'a list',
      ['- image: quay.io/a:1', '  platforms: [linux/arm64, linux/arm/v7]'],
      ['4 quay.io/a:1 linux/arm64,linux/arm/v7'],
      [],
    ],
    ['one platform', ['- {platforms: linux/arm64, image: quay.io/a:*}'], ['4 quay.io/a:* linux/arm64'], []],
    ['no platforms', ['- image: quay.io/a:1'], ['4 quay.io/a:1'], []],
    [
      'aliases',
      [
        '- &w {image: &i quay.io/a:1, platforms: &p [linux/386]}',
        '- {image: quay.io/b:1, platforms: *p}',
        '- *w',
      ],
      ['4 quay.io/a:1 linux/386', '5 quay.io/b:1 linux/386'],
      ['warning wish-repeated 6:3'],
    ],
    [
      'an unknown key',
      ['- image: quay.io/a:1', '  platform: linux/arm64'],
      ['4 quay.io/a:1'],
      ['warning key-unknown 5:3'],
    ],
    [
      'a repeated platform',
      ['- image: quay.io/a:1', '  platforms: [linux/arm64, linux/aarch64]'],
      ['4 quay.io/a:1 linux/arm64'],
      ['warning platform-repeated 5:28'],
    ],
    [
      'a wrong platform',
      ['- image: quay.io/a:1', '  platforms:', '  - linux/amd64', '  - arm64', '- quay.io/b:1'],
      ['8 quay.io/b:1'],
      ['error platform-invalid 7:5'],
    ],
    ['an empty list', ['- image: quay.io/a:1', '  platforms: []'], [], ['error platform-invalid 5:14']],
    ['an empty value', ['- image: quay.io/a:1', '  platforms:'], [], ['error platform-invalid 5:12']],
    ['no image', ['- platforms: linux/arm64'], [], ['error reference-invalid 4:3']],
    ['an empty image', ['- image:', '  platforms: linux/arm64'], [], ['error reference-invalid 4:8']],
    ['a list of images', ['- image: [quay.io/a:1]'], [], ['error reference-invalid 4:10']],
    ['a wrong image', ['- image: debian'], [], ['error reference-invalid 4:10']],
    [
      'a wrong image and a wrong platform',
      ['- image: debian', '  platforms: arm64'],
      [],
      ['error reference-invalid 4:10', 'error platform-invalid 5:14'],
    ],
    [
      'image twice',
      ['- image: quay.io/a:1', '  image: quay.io/b:1', '- quay.io/c:1'],
      ['6 quay.io/c:1'],
      ['error reference-invalid 5:3'],
    ],
    [
      'platforms twice',
      ['- image: quay.io/a:1', '  platforms: linux/386', '  platforms: linux/arm64'],
      [],
      ['error platform-invalid 6:3'],
    ],
  ];
  for (const [what, lines, expected, problems] of cases) {
    it(`is read, given ${what}`, () => {
      const recipe = parse([...HEAD, 'input:', ...lines]);
      assert.deepEqual(wishes(recipe), expected);
      assert.deepEqual(summary(recipe), problems);
      for (const { hint } of recipe.problems) assert.notEqual(hint, undefined);
    });
  }

  it('names the image that fails with a wrong platform, and no secret', () => {
    const { problems } = parse([
      ...HEAD,
      'input:',
      '- {image: quay.io/a:1, platforms: arm64}',
      '- {image: "user:s3cret@quay.io/a:1", platforms: "user:s3cret@linux/arm64"}',
      '- {image: quay.io/b:1, "user:s3cret@x": 1}',
    ]);
    assert.equal(problems[0]?.text, 'quay.io/a:1');
    assert.equal(problems.length, 4);
    assert.doesNotMatch(JSON.stringify(problems), /s3cret/);
  });
});

describe('wishlist/recipe/recipe-platforms: wishes for the same image', () => {
  const A = 'quay.io/a:1';
  const cases: [wishes: string[], kept: number[]][] = [
    [[A, A], [4]],
    [[`${A} linux/386`, `${A} linux/i686`], [4]],
    [[`${A} linux/386,linux/arm64`, `${A} linux/arm64`], [4]],
    [
      [`${A} linux/386`, `${A} linux/arm64`],
      [4, 5],
    ],
    [
      [A, `${A} linux/amd64`],
      [4, 5],
    ],
    [
      [`${A} linux/amd64`, A, A],
      [4, 5],
    ],
    [
      [`${A} linux/386`, `${A} linux/arm64`, `${A} linux/386,linux/arm64`],
      [4, 5],
    ],
  ];
  for (const [texts, kept] of cases) {
    it(`count where they add platforms: ${texts.join('; ')}`, () => {
      const items = texts.map((text) => {
        const [image = '', platforms] = text.split(' ');
        return platforms === undefined ? `- ${image}` : `- {image: '${image}', platforms: [${platforms}]}`;
      });
      const recipe = parse([...HEAD, 'input:', ...items]);
      assert.deepEqual(
        recipe.wishes.map(({ line }) => line),
        kept,
      );
      const repeated = texts.slice(1).map((_, index) => `warning wish-repeated ${5 + index}:3`);
      assert.deepEqual(summary(recipe), repeated);
    });
  }
});

function parse(lines: readonly string[]): Recipe {
  return parseRecipe(lines.join('\n'), 'r.yaml');
}

function listed(platforms: readonly Platform[] | undefined): string | undefined {
  return platforms?.map(formatPlatform).join(',');
}

function wishes(recipe: Recipe): string[] {
  return recipe.wishes.map(({ line, reference, settings: { platforms } }) =>
    [line, formatReference(reference), listed(platforms)].filter((part) => part !== undefined).join(' '),
  );
}

function summary(recipe: Recipe): string[] {
  return recipe.problems.map(({ severity, code, line, column }) => `${severity} ${code} ${line}:${column}`);
}
