import assert from 'node:assert/strict';
import { appendFileSync, existsSync } from 'node:fs';
import { smallImage } from '../support/e2e/images.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { REPOSITORY, Site } from '../support/e2e/site.ts';
import { run, type Outcome } from '../support/e2e/unpackd.ts';

describe('e2e/wishlist-expand', () => {
  let registry: TestRegistry;
  let site: Site;
  before(async () => {
    registry = await TestRegistry.start({ maximumPageSize: 3 });
    for (const tag of ['2.0', '1.0', '1.1', '1.2', '1.3']) {
      registry.add('lab/tool', tag, await smallImage(tag));
    }
  });
  after(async () => registry.close());
  beforeEach(async () => {
    site = await Site.make('directory');
  });

  async function expand(...words: string[]): Promise<Outcome> {
    return await run(['wishlist', 'expand', ...words, ...site.options]);
  }

  function codes({ stderr }: Outcome): string[] {
    return [...stderr.matchAll(/^error\[([a-z-]+)\]/gm)].map(([, code = '']) => code);
  }

  it('prints each image once, in the order of the lines, and publishes nothing', async () => {
    const { host } = registry;
    const recipe = site.recipe([`http://${host}/lab/tool:1.*`, 'quay.io/lab/other:1']);
    const other = site.recipe([`http://${host}/lab/tool:2.0`, `http://${host}/lab/tool:1.0`]);
    registry.requests();
    const outcome = await expand(recipe, other);
    const tags = ['1.0', '1.1', '1.2', '1.3'].map((tag) => `${host}/lab/tool:${tag}`);
    assert.deepEqual(outcome.stdout.split('\n').slice(0, -1), [
      ...tags,
      'quay.io/lab/other:1',
      `${host}/lab/tool:2.0`,
    ]);
    assert.equal(outcome.status, 0, outcome.stderr);
    assert.equal(existsSync(site.root), false);
    assert.ok(registry.requests().every((request) => request.includes('/tags/list')));
  });

  it('prints a document with --json', async () => {
    const { host } = registry;
    const recipe = site.recipe([`http://${host}/lab/tool:1.0`]);
    appendFileSync(recipe, 'platforms: [linux/arm64]\n');
    const other = site.recipe([`http://${host}/lab/tool:1.0*`], 'other.unpackd.test');
    const { status, stdout } = await expand('--json', recipe, other);
    const image = { reference: `http://${host}/lab/tool:1.0`, publicName: `${host}/lab/tool:1.0` };
    const line = { line: 4, text: `http://${host}/lab/tool:1.0` };
    assert.deepEqual(JSON.parse(stdout), {
      images: [
        {
          ...image,
          platforms: ['linux/arm64'],
          repositories: [REPOSITORY],
          lines: [{ file: recipe, ...line }],
        },
        {
          ...image,
          repositories: ['other.unpackd.test'],
          lines: [{ file: other, line: 4, text: `${line.text}*` }],
        },
      ],
      problems: [],
    });
    assert.equal(status, 0);
  });

  it('tells which lines failed, of which recipe, and prints the rest', async () => {
    const { host } = registry;
    const recipe = site.recipe([`http://${host}/lab/tool:2.0`, `http://${host}/lab/none:*`, 'tool:1']);
    const other = site.recipe([
      `http://${host}/lab/tool:1.*`,
      `${host}/lab/tool:2.0`,
      `http://${host}/lab/tool:x*`,
    ]);
    const outcome = await expand('--pattern-limit', '3', recipe, other);
    assert.equal(outcome.status, 1);
    assert.equal(outcome.stdout, `${host}/lab/tool:2.0\n`);
    assert.deepEqual(codes(outcome), [
      'reference-invalid',
      'pattern-too-wide',
      'name-conflict',
      'image-unknown',
    ]);
    for (const place of [`${recipe}:6:`, `${other}:4:`, `${recipe}:4:`, `${recipe}:5:`])
      assert.ok(outcome.stderr.includes(`] ${place}`), place);
    assert.match(outcome.stderr, /^warning: .*\.yaml:6: /m);
  });

  it('reads no recipe that is none', async () => {
    const recipe = site.recipe(['quay.io/lab/tool:1']);
    const outcome = await expand(recipe, `${recipe}.missing`);
    assert.deepEqual([outcome.status, outcome.stdout, codes(outcome)], [2, '', ['recipe-unreadable']]);
    assert.equal((await expand()).status, 2);
  });
});
