import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { TestRegistry } from '../support/e2e/registry.ts';
import { Site } from '../support/e2e/site.ts';
import { runHere } from '../support/e2e/unpackd.ts';
import { image } from '../support/images/image.ts';
import { directory, file } from '../support/images/layer-entry.ts';
import { layer } from '../support/images/layer.ts';

const REPOSITORY = 'images.unpackd.test';

describe('e2e/own-folders', () => {
  let registry: TestRegistry;
  let site: Site;
  let names: string[];
  before(async () => {
    registry = await TestRegistry.start();
    for (const tag of ['bad', 'good', 'more']) {
      const layers = [await layer([directory('etc'), file('etc/release', tag)])];
      registry.add('lab/tool', tag, image({ layers }));
    }
    names = ['bad', 'good', 'more'].map((tag) => `${registry.host}/lab/tool:${tag}`);
  });
  beforeEach(async () => {
    site = await Site.make('directory');
  });
  after(async () => {
    await registry.close();
  });

  async function convert(...lines: string[]) {
    const recipe = join(site.folder, 'recipe.yaml');
    writeFileSync(recipe, ['version: 2', `repositories: ${REPOSITORY}`, ...lines, ''].join('\n'));
    return await runHere(['convert', recipe, ...site.options]);
  }

  function isPublished(name: string): boolean {
    return existsSync(site.path(join('.metadata', name, 'manifest.json')));
  }

  for (const subdirectory of [
    'podmanStore/overlay-layers/layers.json',
    'PODMANSTORE',
    'podmanStore/overlay/l',
  ]) {
    it(`fails its wish alone: ${subdirectory}`, async () => {
      const [bad = '', good = ''] = names;
      const { status, stderr } = await convert(
        'input:',
        `  - {image: 'http://${bad}', subdirectory: ${subdirectory}}`,
        `  - 'http://${good}'`,
      );
      assert.equal(status, 1, stderr);
      assert.deepEqual(stderr.match(/^error\[.*?\]/gm), ['error[setting-invalid]']);
      assert.ok(isPublished(good));
      assert.ok(!isPublished(bad) && !isPublished(join(subdirectory, bad)));
      const list = readFileSync(site.path('podmanStore/overlay-images/images.json'), 'utf8');
      assert.match(list, /lab\/tool:good/);
    });
  }

  it('that an earlier version published keeps nobody from being published', async () => {
    const [bad = '', good = '', more = ''] = names;
    for (const at of ['podmanStore/overlay-layers/layers.json', 'podmanStore/overlay/l/abc', 'podmanStore']) {
      const name = site.path(join(at, bad));
      mkdirSync(dirname(name), { recursive: true });
      symlinkSync('../nowhere', name);
      mkdirSync(site.path(join('.metadata', at, bad)), { recursive: true });
      writeFileSync(site.path(join('.metadata', at, bad, 'manifest.json')), '{}');
    }
    const { status, stderr } = await convert(
      'input:',
      `  - {image: 'http://${bad}', subdirectory: podmanStore/overlay-layers/layers.json}`,
      `  - 'http://${good}'`,
      `  - 'http://${more}'`,
    );
    assert.equal(status, 1, stderr);
    assert.deepEqual(stderr.match(/^error\[.*?\]/gm), ['error[setting-invalid]']);
    for (const name of [good, more]) {
      assert.ok(isPublished(name));
      assert.match(
        stderr,
        new RegExp(
          `^warning: ${name} is published without its output podman .*podmanStore/overlay-layers/layers.json`,
          'm',
        ),
      );
    }
  });

  it('in defaults publishes nothing below it', async () => {
    const [bad = ''] = names;
    const { status, stderr } = await convert(
      'defaults: {subdirectory: podmanStore/overlay}',
      `input: ['http://${bad}']`,
    );
    assert.notEqual(status, 0);
    assert.match(stderr, /^error\[setting-invalid\]/m);
    assert.ok(!isPublished(join('podmanStore/overlay', bad)));
  });
});
