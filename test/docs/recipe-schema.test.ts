import assert from 'node:assert/strict';
import { CORE_SCHEMA, load } from 'js-yaml';
import { z } from 'zod';
import { isFailure } from '../../core/failure.ts';
import { RECIPE_KEYS } from '../../wishlist/recipe/recipe-reader.ts';
import { recipeJsonSchema } from '../../wishlist/recipe/recipe-schema.ts';
import { parseRecipe } from '../../wishlist/recipe/recipe.ts';
import { SETTING_KEYS } from '../../wishlist/recipe/settings.ts';
import { WISH_KEYS } from '../../wishlist/recipe/wish.ts';
import { textOf } from './project.ts';

const FILE = 'docs/recipe.schema.json';
const SCHEMA = JSON.parse(textOf(FILE)) as Schema;

/** As much of a JSON Schema as is looked at here. */
interface Schema {
  readonly properties?: Record<string, Schema>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly description?: string;
  readonly pattern?: string;
}

describe('docs/recipe-schema', () => {
  it('is what the sources say; otherwise: npm run schema', () => {
    assert.deepEqual(SCHEMA, JSON.parse(JSON.stringify(recipeJsonSchema())));
  });

  it('has the keys that recipes have, and describes each', () => {
    for (const [index, version] of ([1, 2] as const).entries()) {
      const recipe = SCHEMA.anyOf?.[index];
      const wish = recipe?.properties?.['input']?.items?.anyOf?.[1];
      assert.deepEqual(keysOf(recipe), [...RECIPE_KEYS[version]].sort());
      assert.deepEqual(keysOf(wish), [...WISH_KEYS[version]].sort());
      for (const [key, value] of Object.entries({ ...recipe?.properties, ...wish?.properties })) {
        assert.ok(key === 'version' || (value.description ?? '').length > 10, key);
      }
    }
    assert.deepEqual(keysOf(SCHEMA.anyOf?.[1]?.properties?.['defaults']), [...SETTING_KEYS].sort());
  });

  it('has patterns that editors can read, in the form of ECMA 262 with Unicode', () => {
    const patterns = [...textOf(FILE).matchAll(/"pattern": ("(?:[^"\\]|\\.)*")/g)].map(
      (match) => JSON.parse(match[1] ?? '') as string,
    );
    assert.ok(patterns.length > 10);
    for (const pattern of patterns) assert.ok(new RegExp(pattern, 'u') instanceof RegExp);
  });
});

const ONE = ['version: 1', 'cvmfs_repo: a.b'];
const TWO = ['version: 2', 'repositories: [a.b, c.d]'];

const GOOD: readonly string[][] = [
  [...ONE, 'input: []'],
  [...ONE, 'user: 1000', 'output_format: x', 'platforms: linux/arm/v7', 'input: [quay.io/a]'],
  [...ONE, 'input: [{image: quay.io/a, platforms: [linux/x86-64]}]'],
  ['version: 1.0', 'cvmfs_repo: a.b', 'input: []'],
  ['version: 2', 'cvmfs_repo: a.b', 'input: []'],
  ['version: 2', 'repositories: a.b', 'input: []'],
  [...TWO, 'platforms: [linux/386]', 'defaults: {limit: 3}', 'input: []'],
  [...TWO, 'input: [{image: quay.io/a, repositories: a.b}, {image: quay.io/a, repositories: [c.d]}]'],
];

/** What the schema and the parser both refuse. */
const BAD: readonly string[][] = [
  ['[]'],
  ['version: 3', 'cvmfs_repo: a.b', 'input: []'],
  ['version: "1"', 'cvmfs_repo: a.b', 'input: []'],
  ['cvmfs_repo: a.b', 'input: []'],
  ['version: 1', 'input: []'],
  ['version: 1', 'cvmfs_repo: a/b', 'input: []'],
  ['version: 1', 'cvmfs_repo: [a.b]', 'input: []'],
  ['version: 1', 'repositories: a.b', 'input: []'],
  ONE,
  [...ONE, 'input:'],
  [...ONE, 'input: {}'],
  [...ONE, 'input: quay.io/a'],
  [...ONE, 'input: [1]'],
  [...ONE, 'input: [[quay.io/a]]'],
  [...ONE, 'input: [{}]'],
  [...ONE, 'input: [{image: 1}]'],
  [...ONE, 'input: [{image: quay.io/a, tags: x}]'],
  [...ONE, 'defaults: {}', 'input: []'],
  [...ONE, 'user:', 'input: []'],
  [...ONE, 'user: [x]', 'input: []'],
  [...ONE, 'platforms: []', 'input: []'],
  [...ONE, 'platforms: arm64', 'input: []'],
  [...ONE, 'unknown: x', 'input: []'],
  ['version: 2', 'input: []'],
  ['version: 2', 'repositories: []', 'input: []'],
  ['version: 2', 'repositories: [a.b, 1]', 'input: []'],
  ['version: 2', 'repositories: [a.b, -c]', 'input: []'],
  ['version: 2', 'repositories: a.b', 'cvmfs_repo: a.b', 'input: []'],
  TWO,
  [...TWO, 'defaults:', 'input: []'],
  [...TWO, 'defaults: []', 'input: []'],
  [...TWO, 'defaults: {tags: x}', 'input: []'],
  [...TWO, 'input: [{tags: x}]'],
  [...TWO, 'input: [{image: quay.io/a, repositories: []}]'],
  [...TWO, 'input: [{image: quay.io/a, newst: 3}]'],
];

/** What depends on more than one value, or on more than a pattern can say. */
const ONLY_PARSER: readonly string[][] = [
  [...ONE, 'platforms: linux/z80', 'input: []'],
  [...ONE, 'input: ["quay.io:99999/a"]'],
  [...TWO, 'platforms: linux/386', 'defaults: {platforms: linux/386}', 'input: []'],
  [...TWO, 'defaults: {outputs: chains}', 'input: []'],
  [...TWO, 'defaults: {subdirectory: localhost}', 'input: []'],
  [...TWO, 'input: [{image: quay.io/a, newest: 3}]'],
  [...TWO, 'input: [{image: quay.io/a:1, tags: x}]'],
  [...TWO, 'input: [{image: quay.io/a, repositories: e.f}]'],
];

const IMAGES: readonly [image: string, isGood: boolean][] = [
  ['quay.io/a', true],
  ['  quay.io/a:1 ', true],
  ['HTTPS://Quay.io/a/b_c__d-e---f.g:V1.0', true],
  ['http://localhost:5000/a', true],
  ['LocalHost/a', true],
  ['[::1]:5000/a:1*', true],
  [`quay.io/a@sha256:${'0'.repeat(64)}`, true],
  [`quay.io/a:1@sha256:${'0'.repeat(64)}`, true],
  ['', false],
  ['debian', false],
  ['library/debian:12', false],
  ['quay.io', false],
  ['quay.io/', false],
  ['quay.io//a', false],
  ['quay.io/A', false],
  ['quay.io/a:', false],
  ['quay.io/a b', false],
  ['quay.io/a@sha256:12', false],
  ['user:secret@quay.io/a', false],
  ['docker://quay.io/a', false],
];

const VALUES: Readonly<Record<string, { good: string[]; bad: string[] }>> = {
  platforms: {
    good: ['linux/amd64', '[" Linux/ARM64 ", linux/arm/v7]'],
    bad: ['', '[]', '1', '{}', 'amd64', '[windows/amd64]'],
  },
  outputs: {
    good: ['flat', '[layers, chains, flat, podman]', '[podman, layers]'],
    bad: ['', '[]', '1', '{}', 'squash', '[flat, Layers]', '[[flat]]'],
  },
  keep: {
    good: ['forever', '1d', '30d', '36500d', '1', '100', '[30d]', '[3]', '[3, forever]'],
    bad: ['', '0', '101', '1.5', '"3"', '0d', '36501d', '2w', '[]', '[1d, 2, 3d]', '[{}]', '"30d "'],
  },
  exclude: { good: ['dev', '"*-rc*"', '[dev, "1*"]'], bad: ['', '1', '[]', '[""]', '{}', '[[x]]'] },
  subdirectory: {
    good: ['a', 'a/b.c/d-e_f', '_x', '"2024"', 'a/localhost', 'a/podmanStore', 'podmanStores'],
    bad: [
      '',
      '2024',
      '/a',
      'a/',
      'a//b',
      '..',
      'a/../b',
      '.a',
      'a/.b',
      '-a',
      'quay.io/a',
      'a b',
      '[a]',
      'podmanStore',
      'PodmanSTORE/a',
      '.layers',
    ],
  },
  limit: {
    good: ['1', '50', '1000000', '1e3', '0x10'],
    bad: ['', '0', '-1', '1.5', '1000001', '"5"', '[5]'],
  },
};

const ONLY_IN_WISHES: typeof VALUES = {
  tags: { good: ['x', '"1*"', '[x, "1*", "!1.0"]'], bad: ['', '1.10', '[]', '[1]', '{}', '""'] },
  newest: { good: ['1', '10'], bad: ['', '0', '1.5', '"5"', 'all', '1000001'] },
  repositories: { good: ['a.b', '[a.b, c.d]'], bad: ['', '[]', '1', '[a/b]'] },
};

describe('docs/recipe-schema: the schema of recipes and the parser', () => {
  const validator = z.fromJSONSchema(SCHEMA as Parameters<typeof z.fromJSONSchema>[0]);
  const accepts = (text: string): boolean => validator.safeParse(load(text, { schema: CORE_SCHEMA })).success;

  const good = [...GOOD.map((lines) => lines.join('\n')), ...images(true), ...settings('good')];
  for (const text of good) {
    it(`accept ${shown(text)}`, () => {
      assert.deepEqual(complaints(text), []);
      assert.equal(accepts(text), true);
    });
  }

  const bad = [...BAD.map((lines) => lines.join('\n')), ...images(false), ...settings('bad')];
  for (const text of bad) {
    it(`refuse ${shown(text)}`, () => {
      assert.notDeepEqual(complaints(text), []);
      assert.equal(accepts(text), false);
    });
  }

  for (const lines of ONLY_PARSER) {
    it(`do not agree on ${shown(lines.join('\n'))}`, () => {
      assert.notDeepEqual(complaints(lines.join('\n')), []);
      assert.equal(accepts(lines.join('\n')), true);
    });
  }
});

function images(wanted: boolean): string[] {
  return IMAGES.filter(([, isGood]) => isGood === wanted).flatMap(([image]) =>
    [ONE, TWO].flatMap((head) => [
      [...head, `input: ['${image}']`].join('\n'),
      [...head, `input: [{image: '${image}'}]`].join('\n'),
    ]),
  );
}

function settings(wanted: 'good' | 'bad'): string[] {
  const recipes = (table: typeof VALUES, frame: (setting: string) => string[]): string[] =>
    Object.entries(table).flatMap(([key, values]) =>
      values[wanted].map((value) => frame(`${key}: ${value}`).join('\n')),
    );
  const inDefaults = (setting: string): string[] => [...TWO, 'defaults:', `  ${setting}`, 'input: []'];
  const inWish = (setting: string): string[] => [
    ...TWO,
    'input:',
    `- ${setting}`,
    setting.startsWith('tags:') ? '  image: quay.io/a' : "  image: 'quay.io/a:*'",
  ];
  return [...recipes(VALUES, inDefaults), ...recipes({ ...VALUES, ...ONLY_IN_WISHES }, inWish)];
}

/** What the parser has to say. */
function complaints(text: string): string[] {
  try {
    return parseRecipe(text, 'r.yaml').problems.map(({ message }) => message);
  } catch (error) {
    if (!isFailure(error, 'recipe-invalid')) throw error;
    return [error.message];
  }
}

function keysOf(schema: Schema | undefined): string[] {
  return Object.keys(schema?.properties ?? {}).sort();
}

function shown(text: string): string {
  return text.replaceAll('\n', '; ');
}
