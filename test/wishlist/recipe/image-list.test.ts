import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { convertImageList } from '../../../wishlist/recipe/image-list.ts';
import { parseRecipe } from '../../../wishlist/recipe/recipe.ts';
import { formatReference } from '../../../core/oci/reference.ts';

const REPOSITORY = 'images.example.org';
const HEAD = ['version: 2', 'repositories:', `  - '${REPOSITORY}'`];
const DIGEST = `sha256:${'0'.repeat(64)}`;

describe('wishlist/recipe/image-list: a line of a list of images', () => {
  const good: [line: string, item: string][] = [
    ['debian', "- 'docker.io/library/debian'"],
    ['debian:12', "- 'docker.io/library/debian:12'"],
    ['debian:*', "- 'docker.io/library/debian:*'"],
    [`debian@${DIGEST}`, `- 'docker.io/library/debian@${DIGEST}'`],
    ['lab/tool', "- 'docker.io/lab/tool'"],
    ['lab/tool:v1.*', "- 'docker.io/lab/tool:v1.*'"],
    ['lab/deep/er:1', "- 'docker.io/lab/deep/er:1'"],
    ['lab.org/tool:1', "- 'lab.org/tool:1'"],
    ['localhost/tool:1', "- 'localhost/tool:1'"],
    ['registry:5000/tool', "- 'registry:5000/tool'"],
    ['[::1]:5000/tool', "- '[::1]:5000/tool'"],
    ['docker.io/debian:12', "- 'docker.io/library/debian:12'"],
    ['docker.io/lab/tool:12', "- 'docker.io/lab/tool:12'"],
    ['docker://debian', "- 'docker.io/library/debian'"],
    ['Docker://quay.io/a:1', "- 'quay.io/a:1'"],
    ['http://quay.io/a:1', "- 'http://quay.io/a:1'"],
    ['  lab/tool:1\t', "- 'docker.io/lab/tool:1'"],
    ['lab/tool:1 # why', "- 'docker.io/lab/tool:1' # why"],
    ['lab/tool:1\t\t#why', "- 'docker.io/lab/tool:1' #why"],
    ['# debian', '# debian'],
    ['#debian', '#debian'],
    ['  \t## x # y  ', '## x # y'],
  ];
  for (const [line, item] of good) {
    it(`becomes an item: ${JSON.stringify(line)}`, () => {
      const { recipe, problems } = convertImageList(`busybox\n${line}`, REPOSITORY);
      assert.deepEqual(problems, []);
      assert.equal(recipe.split('\n')[5], `  ${item}`);
    });
  }

  const bad: [line: string, column: number, comment?: string][] = [
    ['lab/Tool:1', 1],
    ['  lab/tool:1 2', 3, '# not converted: lab/tool:1 2'],
    ['lab/tool:', 1],
    ['lab/*', 1],
    ['*/tool:1', 1],
    ['lab/tool:v*?', 1],
    ['lab/tool:1#why', 1],
    ['quay.io/', 1],
    ['https://hub.docker.com/r/lab/tool', 1],
    ['hub.docker.com/_/debian', 1],
    ["lab/it's:1 # why", 1],
    ['lab/tool:1\u0007', 1, '# not converted: lab/tool:1\\u{7}'],
    ['user:s3cret@quay.io/a', 1, '# not converted: ***@quay.io/a'],
    ['quay.io/a?token=s3cret', 1, '# not converted: quay.io/a?***'],
  ];
  for (const [line, column, comment = `# not converted: ${line}`] of bad) {
    it(`becomes a comment and a problem: ${JSON.stringify(line)}`, () => {
      const { recipe, images, problems } = convertImageList(`busybox\n${line}\n`, REPOSITORY);
      assert.equal(
        recipe,
        [...HEAD, 'input:', "  - 'docker.io/library/busybox'", `  ${comment}`, ''].join('\n'),
      );
      assert.deepEqual(
        problems.map(({ severity, code, ...place }) => [severity, code, place.line, place.column]),
        [['error', 'reference-invalid', 2, column]],
      );
      assert.equal(images, 1);
      assert.doesNotMatch(JSON.stringify(problems), /s3cret/);
      parseRecipe(recipe, 'r.yaml');
    });
  }
});

describe('wishlist/recipe/image-list: a list of images', () => {
  for (const [what, list] of [
    ['nothing', ''],
    ['comments alone', '# one\n\n# two\n'],
    ['a mistake alone', 'A\n'],
  ] as const) {
    it(`gives a recipe without images for ${what}`, () => {
      const { recipe, images } = convertImageList(list, REPOSITORY);
      assert.deepEqual([parseRecipe(recipe, 'r.yaml').wishes, images], [[], 0]);
    });
  }

  it('may have lines that end as on any system, and a byte-order mark', () => {
    const { recipe } = convertImageList('\uFEFFa\r\nb\rc\n\nd', REPOSITORY);
    const items = ["- 'docker.io/library/a'", "- 'docker.io/library/b'", "- 'docker.io/library/c'"];
    assert.deepEqual(recipe.split('\n').slice(3), [
      'input:',
      ...items.map((item) => `  ${item}`),
      '',
      "  - 'docker.io/library/d'",
      '',
    ]);
  });

  it('points out lines that mean the same', () => {
    const { problems, images } = convertImageList(
      'debian\nlab/a\ndocker://docker.io/debian:latest',
      REPOSITORY,
    );
    assert.deepEqual(
      problems.map(({ severity, code, line, column }) => [severity, code, line, column]),
      [['warning', 'wish-repeated', 3, 1]],
    );
    assert.equal(images, 3);
  });

  it('may have any character in its comments', () => {
    const codes = Array.from({ length: 0x3000 }, (_, code) => code).filter(
      (code) => code !== 10 && code !== 13,
    );
    const characters = [...codes, 0xfffe, 0xffff, 0xfeff, 0x1f600].map((code) => String.fromCodePoint(code));
    const list = [...characters.map((character) => `# a${character}b`), 'lab/last:1 # \u0007'].join('\n');
    const { recipe, problems } = convertImageList(list, REPOSITORY);
    assert.deepEqual(problems, []);
    const { wishes } = parseRecipe(recipe, 'r.yaml');
    assert.deepEqual(
      wishes.map(({ line }) => line),
      [characters.length + 5],
    );
    assert.equal(recipe.split('# a').length - 1, characters.length);
  });

  it('becomes a recipe in the same order that parses entirely', () => {
    const list = readFileSync(
      join(import.meta.dirname, '../../../../test/wishlist/recipe/fixtures/image-list.txt'),
      'utf8',
    );
    const { recipe, images, problems } = convertImageList(list, REPOSITORY);
    const parsed = parseRecipe(recipe, 'r.yaml');
    assert.deepEqual(parsed.repositories, [REPOSITORY]);
    assert.deepEqual(
      parsed.problems.map(({ code }) => code),
      ['wish-repeated'],
    );
    assert.equal(images, parsed.wishes.length + 1);
    assert.deepEqual(
      parsed.wishes.map(({ reference }) => formatReference(reference)),
      EXPECTED,
    );
    // four lines stand before those of the list
    for (const { text, line } of parsed.wishes) {
      const [written = ''] = list.split('\n')[line - 5]?.trim().split(' ') ?? [];
      assert.ok(text.endsWith(written.replace(/^docker:\/\/|^docker\.io\//, '')), `${line}: ${text}`);
    }
    assert.deepEqual(
      problems.map(({ severity, line }) => `${severity} ${line}`),
      ['warning 28', 'error 43', 'error 44', 'error 45', 'error 46', 'error 47'],
    );
    const comments = (text: string): string[] =>
      text.split('\n').flatMap((line) => /(?:^|\s)(#.*)$/.exec(line)?.[1] ?? []);
    assert.deepEqual(
      comments(recipe).filter((comment) => !comment.startsWith('# not converted: ')),
      comments(list),
    );
  });
});

const EXPECTED = [
  'docker.io/library/almalinux:9',
  'docker.io/library/debian:12',
  'docker.io/library/debian:bookworm-slim',
  'docker.io/library/ubuntu:latest',
  'docker.io/library/busybox:*',
  'docker.io/library/python:3.12',
  'docker.io/library/julia:1.10.4',
  'docker.io/library/r-base:latest',
  'docker.io/mambaorg/micromamba:1.5.8',
  'docker.io/jupyter/scipy-notebook:2024-05-*',
  'docker.io/physicslab/tracker:v2.*',
  'docker.io/physicslab/tracker:nightly',
  'docker.io/physicslab/detector-geometry:latest',
  'docker.io/physicslab/indented:1',
  'docker.io/physicslab/trailing:1',
  'docker.io/physicslab/with_comment:3',
  'beam.dynamics/of-a-registry:1',
  'docker.io/wave__lab/ripples:*-stable',
  'docker.io/wave-lab/gpu:12.4.1-cudnn-runtime',
  'ghcr.io/example-lab/reconstruction:2024.1',
  'ghcr.io/example-lab/deep/er/path:main',
  'quay.io/example/analysis:*',
  'registry.example.org:5000/teams/fit:7',
  'localhost:5000/try/out:latest',
  'docker.io/library/alpine:3.20',
  'docker.io/library/redis:7',
  'quay.io/example/fetched:1',
  'docker.io/library/nginx:1.27',
  'registry.example.org/secure:1',
];
