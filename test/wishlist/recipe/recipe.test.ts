import assert from 'node:assert/strict';
import { NO_SETTINGS } from '../../../wishlist/recipe/settings.ts';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isFailure, type Failure, type FailureCode } from '../../../core/failure.ts';
import { LINUX_AMD64 } from '../../../core/oci/platform.ts';
import { formatProblem } from '../../../wishlist/recipe/problem.ts';
import { parseRecipe, readRecipe, type Recipe } from '../../../wishlist/recipe/recipe.ts';
import { formatReference } from '../../../core/oci/reference.ts';
import { temporaryDirectory } from '../../support/setup.ts';

const HEAD = ['version: 1', 'cvmfs_repo: unpacked.example.org', 'input:'];
const FIRST_ITEM_LINE = HEAD.length + 1;

describe('wishlist/recipe/recipe: parseRecipe', () => {
  it('reads all that a recipe has', () => {
    const text = [
      'version: 1',
      'user: somebody',
      "cvmfs_repo: 'unpacked.example.org'",
      "output_format: 'https://registry.example.org/sync/$(image)'",
      'platforms: [linux/amd64, linux/aarch64]',
      'input:',
      "  - 'http://localhost:5000/a:1' # on this machine",
      '  - platforms: linux/arm/v7',
      '    image: quay.io/b',
    ].join('\n');
    assert.deepEqual(parseRecipe(text, 'r.yaml'), {
      file: 'r.yaml',
      repositories: ['unpacked.example.org'],
      defaults: { ...NO_SETTINGS, platforms: [LINUX_AMD64, { os: 'linux', architecture: 'arm64' }] },
      wishes: [
        {
          text: 'http://localhost:5000/a:1',
          line: 7,
          reference: {
            scheme: 'http',
            registry: 'localhost:5000',
            repository: 'a',
            tag: '1',
            digest: undefined,
          },
          selection: undefined,
          settings: NO_SETTINGS,
          repositories: undefined,
          origin: undefined,
        },
        {
          text: 'quay.io/b',
          line: 8,
          reference: {
            scheme: 'https',
            registry: 'quay.io',
            repository: 'b',
            tag: 'latest',
            digest: undefined,
          },
          selection: undefined,
          settings: { ...NO_SETTINGS, platforms: [{ os: 'linux', architecture: 'arm', variant: 'v7' }] },
          repositories: undefined,
          origin: undefined,
        },
      ],
      problems: [],
    });
  });

  const usable: [what: string, text: string, wishes: string[]][] = [
    ['an empty input', 'version: 1\ncvmfs_repo: a.b\ninput: []\n', []],
    ['JSON', '{"version": 1, "cvmfs_repo": "a.b", "input": ["quay.io/a:1"]}', ['quay.io/a:1']],
    [
      'CR LF',
      [...HEAD, '  - quay.io/a:1', "  - 'quay.io/b:1'", ''].join('\r\n'),
      ['quay.io/a:1', 'quay.io/b:1'],
    ],
    ['a byte-order mark', `\uFEFF${[...HEAD, '- quay.io/a:1'].join('\n')}`, ['quay.io/a:1']],
    ['document markers', `---\n${[...HEAD, '- quay.io/a:1'].join('\n')}\n...\n`, ['quay.io/a:1']],
    ['the directive %YAML', `%YAML 1.2\n---\n${[...HEAD, '- quay.io/a:1'].join('\n')}\n`, ['quay.io/a:1']],
    ['an aliased input', 'x: &x [quay.io/a:1]\nversion: 1\ncvmfs_repo: a.b\ninput: *x\n', ['quay.io/a:1']],
    [
      'aliases of scalars',
      'a: &v 1\nb: &r a.b\nversion: *v\ncvmfs_repo: *r\ninput: [&i quay.io/a:1, quay.io/b:1]',
      ['quay.io/a:1', 'quay.io/b:1'],
    ],
    ['quoted keys', '"version": 1\n\'cvmfs_repo\': a.b\n? input\n: - quay.io/a:1\n', ['quay.io/a:1']],
    ['a block scalar', [...HEAD, '- >-', '  quay.io/a:1'].join('\n'), ['quay.io/a:1']],
    ['a user that is a number', `user: 1000\n${HEAD.join('\n')} []`, []],
    ['the longest name of a repository', `version: 1\ncvmfs_repo: ${'r'.repeat(60)}\ninput: []`, []],
  ];
  for (const [what, text, wishes] of usable) {
    it(`accepts ${what}`, () => {
      const recipe = parseRecipe(text, 'r.yaml');
      assert.deepEqual(references(recipe), wishes);
      assert.deepEqual(
        recipe.problems.filter(({ code }) => code !== 'key-unknown'),
        [],
      );
    });
  }

  const unusable: [what: string, text: string, code: FailureCode, line: number][] = [
    ['nothing', '', 'recipe-invalid', 1],
    ['comments alone', '# one\n# two\n', 'recipe-invalid', 1],
    ['text', 'hello', 'recipe-invalid', 1],
    ['a list', '\n- quay.io/a', 'recipe-invalid', 2],
    ['null', '~', 'recipe-invalid', 1],
    ['no version', '# x\ncvmfs_repo: a.b\ninput: []', 'recipe-invalid', 2],
    ['version 3', 'cvmfs_repo: a.b\nversion: 3\ninput: []', 'recipe-invalid', 2],
    ['a quoted version', 'version: "1"\ncvmfs_repo: a.b\ninput: []', 'recipe-invalid', 1],
    ['an empty version', 'version:\ncvmfs_repo: a.b\ninput: []', 'recipe-invalid', 1],
    ['a list of versions', 'version: [1]\ncvmfs_repo: a.b\ninput: []', 'recipe-invalid', 1],
    ['no cvmfs_repo', '\nversion: 1\ninput: []', 'recipe-invalid', 2],
    ['an empty cvmfs_repo', 'version: 1\ncvmfs_repo:\ninput: []', 'recipe-invalid', 2],
    ['an empty text for cvmfs_repo', 'version: 1\ncvmfs_repo: ""\ninput: []', 'recipe-invalid', 2],
    ['a number for cvmfs_repo', 'version: 1\ncvmfs_repo: 12\ninput: []', 'recipe-invalid', 2],
    ['a path for cvmfs_repo', 'version: 1\ncvmfs_repo: a/b\ninput: []', 'recipe-invalid', 2],
    ['..', 'version: 1\ncvmfs_repo: ..\ninput: []', 'recipe-invalid', 2],
    ['.. within cvmfs_repo', 'version: 1\ncvmfs_repo: a..b\ninput: []', 'recipe-invalid', 2],
    ['an option for cvmfs_repo', 'version: 1\ncvmfs_repo: -f\ninput: []', 'recipe-invalid', 2],
    ['a line break in cvmfs_repo', 'version: 1\ncvmfs_repo: "a.b\\n"\ninput: []', 'recipe-invalid', 2],
    [
      '61 characters of cvmfs_repo',
      `version: 1\ncvmfs_repo: ${'r'.repeat(61)}\ninput: []`,
      'recipe-invalid',
      2,
    ],
    ['no input', 'version: 1\ncvmfs_repo: a.b\n', 'recipe-invalid', 1],
    ['an empty input key', 'version: 1\ncvmfs_repo: a.b\ninput:\n', 'recipe-invalid', 3],
    ['text for input', 'version: 1\ncvmfs_repo: a.b\ninput: quay.io/a\n', 'recipe-invalid', 3],
    ['a mapping for input', 'version: 1\ncvmfs_repo: a.b\ninput:\n  a: b\n', 'recipe-invalid', 4],
    ['two documents', 'version: 1\ncvmfs_repo: a.b\ninput: []\n---\nversion: 1\n', 'recipe-invalid', 5],
    ['a second, empty document', 'version: 1\ncvmfs_repo: a.b\ninput: []\n---\n', 'recipe-invalid', 3],
    ['input twice', 'version: 1\ncvmfs_repo: a.b\ninput: []\ninput: [quay.io/a]\n', 'recipe-invalid', 4],
    ['an open bracket', 'version: 1\ninput: [quay.io/a\n', 'recipe-unreadable', 3],
    ['an open quote', "version: 1\ninput:\n  - 'quay.io/a\n", 'recipe-unreadable', 4],
    ['a tab as indentation', 'version: 1\ninput:\n\t- quay.io/a\n', 'recipe-unreadable', 3],
    ['a missing dash', "input:\n  - 'quay.io/a'\n    'quay.io/b'\n", 'recipe-unreadable', 3],
    ['platforms twice', 'version: 1\nplatforms: []\nplatforms: []\n', 'recipe-invalid', 3],
    ['an unknown anchor', 'version: 1\ninput:\n  - *quay\n', 'recipe-unreadable', 3],
    ['NUL', 'version: 1\nuser: a\u0000b\n', 'recipe-unreadable', 2],
    ['deep nesting', `version: 1\ninput: ${'['.repeat(10_000)}\n`, 'recipe-unreadable', 2],
  ];
  for (const [what, text, code, line] of unusable) {
    it(`refuses ${what}`, () => {
      const failure = failureOf(() => parseRecipe(text, 'dir/r.yaml'));
      assert.equal(failure.code, code);
      assert.ok(failure.message.startsWith(`dir/r.yaml:${line}:`), failure.message);
      assert.notEqual(failure.hint, undefined);
    });
  }

  it('says which versions are known', () => {
    assert.match(failureOf(() => parseRecipe('version: 3', 'r.yaml')).message, /3.*known.*1/);
  });

  it('escapes control characters of the file name', () => {
    assert.doesNotMatch(failureOf(() => parseRecipe('', 'r\u001b[31m.yaml')).message, /\p{Cc}/u);
  });
});

describe('wishlist/recipe/recipe: parseRecipe, given a bad item', () => {
  const items: [what: string, lines: string[], offset?: number][] = [
    ['a number', ['  - 12']],
    ['a fraction', ['  - 1.5']],
    ['a truth value', ['  - true']],
    ['null', ['  - ~']],
    ['an empty item', ['  -']],
    ['an empty item with a comment', ['  - # quay.io/x - y']],
    ['an empty item after comments with dashes', ['  # - quay.io/x', '  -'], 1],
    ['an empty text', ["  - ''"]],
    ['a mapping', ['  - quay.io/a: b']],
    ['a mapping over two lines', ['  - quay.io/a: b', '    c: d']],
    ['a nested list', ['  - - quay.io/a', '    - quay.io/b']],
    ['a nested flow list', ['  - [quay.io/a,', '     quay.io/b]']],
    ['an alias of a list', ['  - &l [quay.io/a]', '  - *l']],
    ['an unknown tag', ['  - !image quay.io/a']],
    ['no reference', ["  - 'debian:12'"]],
    ['a dash that is missing', ['  - quay.io/a', '    quay.io/b']],
    ['a block of two lines', ['  - |', '    quay.io/a', '    quay.io/b'], 1],
    ['upper case', ['  - quay.io/A']],
    ['an explicit text', ['  - !!str 12']],
  ];
  for (const [what, lines, offset = 0] of items) {
    it(`reports ${what} with its line and goes on`, () => {
      const text = [...HEAD, '  - quay.io/first:1', ...lines, '  - quay.io/last:1'].join('\n');
      const recipe = parseRecipe(text, 'r.yaml');
      assert.deepEqual(references(recipe), ['quay.io/first:1', 'quay.io/last:1']);
      const [problem] = recipe.problems;
      assert.deepEqual([problem?.severity, problem?.code], ['error', 'reference-invalid']);
      assert.equal(problem?.line, FIRST_ITEM_LINE + 1 + offset);
      assert.notEqual(problem?.hint, undefined);
    });
  }

  it('finds each of several empty items', () => {
    const text = [
      ...HEAD,
      '-',
      '- quay.io/a-b:1',
      '- # - x',
      '',
      '-',
      "- 'quay.io/b:1'",
      '-',
      '- - ',
      '- -',
    ].join('\n');
    const recipe = parseRecipe(text, 'r.yaml');
    assert.deepEqual(
      recipe.wishes.map(({ line }) => line),
      [5, 9],
    );
    assert.deepEqual(
      recipe.problems.map(({ line }) => line),
      [4, 6, 8, 10, 11, 12],
    );
  });

  it('gives line and column, from 1', () => {
    const recipe = parseRecipe([...HEAD, '  - debian', "  -   'debian'"].join('\r\n'), 'r.yaml');
    const places = recipe.problems.map(({ line, column }) => [line, column]);
    assert.deepEqual(places, [
      [4, 5],
      [5, 8],
    ]);
  });

  it('masks passwords', () => {
    const lines = [
      '- https://user:s3cret@quay.io/a',
      '- user:s3cret@quay.io/a: b',
      '- [user:s3cret@quay.io/a]',
    ];
    const recipe = parseRecipe([...HEAD, ...lines].join('\n'), 'r.yaml');
    assert.equal(recipe.problems.length, 3);
    assert.doesNotMatch(JSON.stringify(recipe), /s3cret/);
  });
});

describe('wishlist/recipe/recipe: parseRecipe, given something doubtful', () => {
  it('keeps the first of equal wishes and names both lines', () => {
    const lines = ['- quay.io/a', '- quay.io/b', '- http://Quay.io/a:latest', '- quay.io/a:1'];
    const recipe = parseRecipe([...HEAD, ...lines].join('\n'), 'r.yaml');
    assert.deepEqual(references(recipe), ['quay.io/a:latest', 'quay.io/b:latest', 'quay.io/a:1']);
    assert.equal(recipe.wishes[0]?.reference.scheme, 'https');
    assert.deepEqual(summary(recipe), ['warning wish-repeated 6']);
    assert.match(recipe.problems[0]?.message ?? '', /line 6.*line 4/);
  });

  it('takes an alias of a wish for a repetition, in the line of the alias', () => {
    const recipe = parseRecipe([...HEAD, '- &a quay.io/a', '- *a'].join('\n'), 'r.yaml');
    assert.deepEqual(references(recipe), ['quay.io/a:latest']);
    assert.deepEqual(summary(recipe), ['warning wish-repeated 5']);
  });

  it('warns of unknown keys and unusable values, in the order of the file', () => {
    const text = [
      'inputs: []',
      ...HEAD.slice(0, 2),
      'user: [a]',
      'input: [debian]',
      'output_format:',
      '[x]: 1',
      '<<: 2',
    ];
    const recipe = parseRecipe(text.join('\n'), 'r.yaml');
    assert.deepEqual(summary(recipe), [
      'warning key-unknown 1',
      'warning value-ignored 4',
      'error reference-invalid 5',
      'warning value-ignored 6',
      'warning key-unknown 7',
      'warning key-unknown 8',
    ]);
  });

  it('writes a problem in one line that begins with its place', () => {
    const recipe = parseRecipe([...HEAD, '- "debian\\n:12"'].join('\n'), 'r.yaml');
    const [line = ''] = recipe.problems.map((problem) => formatProblem(recipe.file, problem));
    assert.match(line, /^r\.yaml:4:4: error: .*\[reference-invalid\]$/);
  });
});

describe('wishlist/recipe/recipe: readRecipe', () => {
  let folder = '';
  before(async () => {
    folder = await temporaryDirectory('recipe');
  });

  it('reads a wishlist of 47 lines, one of them a repetition', async () => {
    const file = join(import.meta.dirname, '../../../../test/wishlist/recipe/fixtures/wishlist.yaml');
    const recipe = await readRecipe(file);
    assert.equal(recipe.wishes.length, 46);
    assert.deepEqual(summary(recipe), ['warning wish-repeated 22']);
    assert.match(recipe.problems[0]?.message ?? '', /line 22.*line 21/);
    assert.deepEqual(
      recipe.wishes.map(({ line }) => line),
      [...range(6, 21), ...range(23, 52)],
    );
  });

  it('takes a byte-order mark and letters of any language', async () => {
    const file = join(folder, 'bom.yaml');
    await writeFile(file, `\uFEFF# für Zürich\n${HEAD.join('\n')}\n- quay.io/a\n`);
    const recipe = await readRecipe(file);
    assert.deepEqual(
      recipe.wishes.map(({ line }) => line),
      [5],
    );
  });

  it('refuses a file that is not there, below a file, or a directory', async () => {
    await mkdir(join(folder, 'directory'));
    await writeFile(join(folder, 'file'), '');
    for (const name of ['missing', 'file/below', 'directory']) {
      await assert.rejects(readRecipe(join(folder, name)), isUnreadable);
    }
  });

  it('refuses a file that it may not read', async () => {
    const file = join(folder, 'unreadable.yaml');
    await writeFile(file, '', { mode: 0o000 });
    await asNobody(async () => {
      await assert.rejects(readRecipe(file), isUnreadable);
    });
  });

  it('refuses more than 16 MiB', async () => {
    const file = join(folder, 'large.yaml');
    await writeFile(file, `${[...HEAD, '- quay.io/a'].join('\n')}\n#`.padEnd(16 * 1024 * 1024 + 1, 'x'));
    await assert.rejects(readRecipe(file), isUnreadable);
  });

  it('refuses bytes that are not UTF-8, naming the line', async () => {
    const file = join(folder, 'latin1.yaml');
    await writeFile(file, Buffer.from('version: 1\n# \u00fcber\n', 'latin1'));
    await assert.rejects(readRecipe(file), (error: Error) => {
      assert.ok(error.message.startsWith(`${file}:2:`), error.message);
      return isUnreadable(error);
    });
  });
});

function references(recipe: Recipe): string[] {
  return recipe.wishes.map(({ reference }) => formatReference(reference));
}

function summary(recipe: Recipe): string[] {
  return recipe.problems.map(({ severity, code, line }) => `${severity} ${code} ${line}`);
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** Root may read everything: where the tests run as root, `action` runs without its rights. */
async function asNobody(action: () => Promise<void>): Promise<void> {
  if (process.getuid?.() !== 0) return action();
  process.seteuid?.(65_534);
  try {
    await action();
  } finally {
    process.seteuid?.(0);
  }
}

function isUnreadable(error: unknown): boolean {
  return isFailure(error, 'recipe-unreadable');
}

function failureOf(action: () => unknown): Failure {
  try {
    action();
  } catch (error) {
    if (isFailure(error)) return error;
    throw error;
  }
  throw new assert.AssertionError({ message: 'it was accepted' });
}
