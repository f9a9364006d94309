import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { smallImage } from '../support/e2e/images.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { Site } from '../support/e2e/site.ts';
import { run, type Outcome } from '../support/e2e/unpackd.ts';

const FIRST = 'first.unpackd.test';
const SECOND = 'second.unpackd.test';

/** One image of the document that `--json` prints. */
interface Reported {
  readonly image: string;
  readonly repository: string;
  readonly outcome: string;
  readonly code?: string;
  readonly publicPath?: string;
  readonly flatPath?: string;
}

describe('e2e/recipe-v2', () => {
  let registry: TestRegistry;
  let site: Site;
  let tool: string;

  before(async () => {
    registry = await TestRegistry.start();
    tool = `http://${registry.host}/lab/tool`;
    for (const tag of ['1.9', '1.10', '1.10-rc1', '2.0', 'nightly'])
      registry.add('lab/tool', tag, await smallImage(tag));
  });
  after(async () => registry.close());
  beforeEach(async () => {
    site = await Site.make('directory');
  });

  async function convert(...lines: string[]): Promise<Outcome & { images: Reported[] }> {
    const recipe = join(site.folder, 'recipe.yaml');
    const head = ['version: 2', `repositories: [${FIRST}, ${SECOND}]`];
    writeFileSync(recipe, [...head, ...lines, ''].join('\n'));
    const outcome = await run(['convert', recipe, ...site.options, '--json']);
    return { ...outcome, images: JSON.parse(outcome.stdout).images };
  }

  function releaseAt(repository: string, name: string): string {
    return readFileSync(join(site.root, repository, name, 'etc/release'), 'utf8');
  }

  it('publishes in all of its repositories, or in those that a wish names', async () => {
    const { status, images, stderr } = await convert(
      'input:',
      `  - '${tool}:1.9'`,
      `  - {image: '${tool}:2.0', repositories: ${SECOND}}`,
    );
    assert.equal(status, 0, stderr);
    assert.deepEqual(
      images.map(({ repository, image }) => `${repository} ${image.split(':').at(-1)}`),
      [`${FIRST} 1.9`, `${SECOND} 1.9`, `${SECOND} 2.0`],
    );
    for (const repository of [FIRST, SECOND])
      assert.equal(releaseAt(repository, `${registry.host}/lab/tool:1.9`), '1.9');
    assert.equal(releaseAt(SECOND, `${registry.host}/lab/tool:2.0`), '2.0');
    assert.ok(!existsSync(join(site.root, FIRST, `${registry.host}/lab/tool:2.0`)));
  });

  it('publishes the tags that lists, ranges, exclusions and the newest mean', async () => {
    const { status, images } = await convert(
      "defaults: {exclude: ['*-rc*']}",
      'input:',
      `  - {image: '${tool}', tags: ['>=1.0 <2', nightly], repositories: ${FIRST}}`,
      `  - {image: '${tool}', tags: '*', newest: 1, repositories: ${SECOND}}`,
    );
    assert.equal(status, 0);
    assert.deepEqual(
      images.map(({ repository, image }) => `${repository} ${image.split(':').at(-1)}`).sort(),
      [`${FIRST} 1.10`, `${FIRST} 1.9`, `${FIRST} nightly`, `${SECOND} 2.0`],
    );
  });

  it('publishes below a subdirectory, in the forms that are asked for', async () => {
    const { status, images } = await convert(
      'input:',
      `  - {image: '${tool}:1.9', subdirectory: physics/tools, outputs: [flat], repositories: ${FIRST}}`,
      `  - {image: '${tool}:2.0', outputs: [layers], repositories: ${SECOND}}`,
    );
    assert.equal(status, 0);
    const [flat, layers] = images;
    const name = `physics/tools/${registry.host}/lab/tool:1.9`;
    assert.equal(flat?.publicPath, name);
    assert.equal(releaseAt(FIRST, name), '1.9');
    assert.ok(existsSync(join(site.root, FIRST, '.metadata', name, 'manifest.json')));
    assert.ok(!existsSync(join(site.root, FIRST, '.layers')));
    assert.equal(layers?.flatPath, undefined);
    const folders = readdirSync(join(site.root, SECOND)).filter((entry) => entry !== '.cvmfscatalog');
    assert.deepEqual(folders.sort(), ['.layers', '.metadata', '.unpackd']);
    const again = await convert(
      'input:',
      `  - {image: '${tool}:1.9', subdirectory: physics/tools, outputs: [flat], repositories: ${FIRST}}`,
      `  - {image: '${tool}:2.0', outputs: [layers], repositories: ${SECOND}}`,
    );
    assert.deepEqual(
      again.images.map(({ outcome }) => outcome),
      ['unchanged', 'unchanged'],
    );
  });

  it('goes on with the other repositories where one cannot be used', async () => {
    mkdirSync(site.root, { recursive: true });
    writeFileSync(join(site.root, FIRST), 'no directory');
    const { status, images, stderr } = await convert('input:', `  - '${tool}:1.9'`);
    assert.equal(status, 3);
    assert.deepEqual(
      images.map(({ repository, outcome, code }) => [repository, outcome, code]),
      [
        [FIRST, 'failed', 'repository-unusable'],
        [SECOND, 'published', undefined],
      ],
    );
    assert.match(stderr, /^error\[repository-unusable\].*first\.unpackd\.test/m);
    rmSync(join(site.root, FIRST));
  });

  it('takes none of the tags of a pattern that is wider than its limit', async () => {
    const { status, images } = await convert(
      'input:',
      `  - {image: '${tool}:*', limit: 4, repositories: ${FIRST}}`,
      `  - {image: '${tool}:1.9', repositories: ${SECOND}}`,
    );
    assert.equal(status, 1);
    assert.deepEqual(
      images.map(({ outcome, code }) => code ?? outcome),
      ['pattern-too-wide', 'published'],
    );
  });
});
