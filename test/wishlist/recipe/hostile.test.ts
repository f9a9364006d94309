import assert from 'node:assert/strict';
import { isFailure } from '../../../core/failure.ts';
import { parseRecipe, type Recipe } from '../../../wishlist/recipe/recipe.ts';
import { uncertaintiesOfLines } from '../../../wishlist/meaning/uncertainty.ts';

const HEAD = 'version: 2\nrepositories: [unpacked.example.org]\n';
const list = (length: number, item: (index: number) => string): string =>
  Array.from({ length }, (_, index) => item(index)).join('');
const items = (length: number, item: (index: number) => string): string =>
  `${HEAD}input:\n${list(length, (index) => `  - ${item(index)}\n`)}`;

/** Recipes that would take much time or memory: what is refused as a whole, and where. */
const REFUSED: Readonly<Record<string, readonly [text: string, message: RegExp]>> = {
  'a line of 9 MB': [
    items(1, () => `quay.io/${'a'.repeat(9e6)}`),
    /^r:4:1: the line has more than 65536 characters/,
  ],
  'a key of 9 MB': [`${'k'.repeat(9e6)}: 1\n${HEAD}`, /^r:1:1: the line has more/],
  'a line of one character too many': [items(1, () => 'a'.repeat(65_533)), /^r:4:1: the line has more/],
  'a value over many lines': [
    `${HEAD}input:\n  - >\n${list(2000, () => `    ${'a'.repeat(60)}\n`)}`,
    /^r:\d+:\d+: the value has more than 65536 characters/,
  ],
  'more than 250,000 values': [
    items(300, () => `[${'a,'.repeat(1000)}]`),
    /^r:\d+:\d+: the text holds more than 250000 values/,
  ],
  'very many documents': ['--- a\n'.repeat(150_000), /^r:\d+:\d+: the text has more than 500000 lines/],
  'very many lines': ['\n'.repeat(500_001), /^r:500001:1: the text has more than 500000 lines/],
  'very many entries in few lines': [
    `${HEAD}x: [\n${list(600, () => ` ${'[],'.repeat(500)}\n`)}]\n`,
    /^r:\d+:\d+: the text has more than 500000 lines, entries/,
  ],
  'aliases of a long list': [
    `tags: &tags [${'a,'.repeat(1000)}]\n${items(300, (index) => `{image: quay.io/a/${index}, tags: *tags}`)}`,
    /^r:\d+:\d+: the text holds more than 250000 values, aliases resolved/,
  ],
  'aliases of aliases': [
    `a0: &a0 [1]\n${list(40, (index) => `a${index + 1}: &a${index + 1} [*a${index}, *a${index}]\n`)}${HEAD}input: []\n`,
    /^r:\d+:\d+: the text holds more/,
  ],
  'a mapping with very many keys': [
    `${HEAD}${list(1001, (index) => `k${index}: 1\n`)}`,
    /^r:1:1: the mapping has 1003 keys, and 1000 are allowed/,
  ],
  'patterns with very many alternatives': [
    items(2, (item) => `{image: quay.io/a${item}, tags: [${list(900, (index) => `'{${index}..1900}',`)}x]}`),
    /^r:5:\d+: the patterns of tags up to here stand for too many/,
  ],
  'patterns with too many alternatives': [
    items(2, (item) => `{image: quay.io/a${item}, tags: [${list(900, () => `'{1..9999999}',`)}x]}`),
    /^r:5:\d+: the patterns of tags up to here stand for too many/,
  ],
  'long ranges of versions': [
    items(200, (item) => `{image: quay.io/a${item}, tags: '${'>1 '.repeat(320)}'}`),
    /^r:\d+:\d+: the patterns of tags up to here stand for too many/,
  ],
  'images with very many alternatives': [
    items(1100, (item) => `'quay.io/a${item}:{1..1000000}'`),
    /^r:1004:\d+: the patterns of tags up to here stand for too many/,
  ],
  'deep nesting': [`${HEAD}input: ${'['.repeat(30_000)}\n`, /^r:3:\d+: the YAML cannot be read: nesting/],
  'deep nesting by indentation': [
    `${HEAD}input:\n${list(300, (index) => `${' '.repeat(index + 1)}-\n`)}`,
    /^r:\d+:\d+: the YAML cannot be read: nesting/,
  ],
};

describe('wishlist/recipe/hostile', () => {
  for (const [name, [text, message]] of Object.entries(REFUSED)) {
    it(`refuses ${name}`, () => {
      assert.throws(
        () => parseRecipe(text, 'r'),
        (error) => isFailure(error, 'recipe-unreadable') && message.test(error.message),
      );
    });
  }

  it('takes a line of 65,536 characters', () => {
    const text = items(1, () => `quay.io/a # ${'x'.repeat(65_536 - 16)}`);
    assert.equal(parseRecipe(text, 'r').wishes.length, 1);
  });

  it('tells 1,000 problems of 15,000 wrong tags, and how many there are beside', () => {
    const recipe = parseRecipe(
      items(15_001, (index) => (index === 9 ? 'quay.io/a' : '"quay.io/a:!"')),
      'r',
    );
    assert.deepEqual(summary(recipe), { wishes: 1, problems: 1001, last: 'problems-omitted' });
    assert.match(recipe.problems.at(-1)?.message ?? '', /14000 more problems, 14000 errors among them/);
  });

  it('takes what is not told to ask for anything in its repositories', () => {
    const { problems, ...recipe } = parseRecipe(
      items(1001, () => '"quay.io/a:!"'),
      'r',
    );
    const uncertainties = uncertaintiesOfLines({ ...recipe, problems });
    assert.deepEqual(uncertainties.at(-1), {
      repositories: ['unpacked.example.org'],
      image: undefined,
      inAnySubdirectory: true,
      selection: undefined,
    });
  });

  it('reads as many items as are allowed', () => {
    const recipe = parseRecipe(
      items(12, (index) => `quay.io/a:${index}`),
      'r',
      { wishLimit: 10 },
    );
    assert.deepEqual(summary(recipe), { wishes: 10, problems: 1, last: 'wishes-too-many' });
    assert.equal(recipe.problems[0]?.line, 14);
  });

  for (const key of ['tags', 'platforms', 'outputs', 'repositories']) {
    it(`refuses a list of 150,000 ${key} without looking at them`, () => {
      const long = list(150_000, () => '      - "/!"\n');
      const { wishes, problems } = parseRecipe(
        `${HEAD}input:\n  - image: quay.io/b\n  - image: quay.io/a\n    ${key}:\n${long}`,
        'r',
      );
      assert.equal(wishes.length, 1);
      assert.deepEqual(
        problems.map(({ message }) => message),
        [`the list has 150000 entries, and ${key === 'platforms' ? 32 : 1000} are allowed`],
      );
    });
  }

  it('counts 40,000 wrong repositories in lists, and keeps and explains the first', () => {
    const repositories = Array.from({ length: 1000 }, (_, index) => `r${index}.example.org`).join(',');
    const wrong = Array.from({ length: 1000 }, (_, index) => `x${index}.example.org`).join(',');
    const recipe = parseRecipe(
      `version: 2\nrepositories: [${repositories}]\ninput:\n${list(40, (item) => `  - {image: quay.io/a:${item}, repositories: [${wrong}]}\n`)}`,
      'r',
    );
    assert.deepEqual(summary(recipe), { wishes: 0, problems: 1001, last: 'problems-omitted' });
    assert.match(recipe.problems.at(-1)?.message ?? '', /39000 more problems, 39000 errors/);
    for (const { hint } of recipe.problems) assert.ok((hint ?? '').length < 1000);
  });

  it('keeps little of each text', () => {
    const recipe = parseRecipe(
      items(20, () => `"quay.io/a:${'!'.repeat(60_000)}"`),
      'r',
    );
    for (const { text, message } of recipe.problems) {
      assert.ok(text.length <= 301, String(text.length));
      assert.ok(message.length < 2000, String(message.length));
    }
  });

  it('finds 20,000 wishes for one image with other settings', () => {
    const recipe = parseRecipe(
      items(20_000, (index) => `{image: 'quay.io/a:*', limit: ${index + 1}}`),
      'r',
    );
    assert.deepEqual(summary(recipe), { wishes: 20_000, problems: 1001, last: 'problems-omitted' });
  });

  it('takes an alias within what it stands for as a problem', () => {
    const recipe = parseRecipe(`${HEAD}input: &all\n  - quay.io/a\n  - *all\n  - {image: quay.io/b}\n`, 'r');
    assert.deepEqual(summary(recipe), { wishes: 2, problems: 1, last: 'reference-invalid' });
  });
});

function summary({ wishes, problems }: Recipe): { wishes: number; problems: number; last: unknown } {
  return { wishes: wishes.length, problems: problems.length, last: problems.at(-1)?.code };
}
