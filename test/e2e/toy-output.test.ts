import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Image } from '../support/images/image.ts';
import { smallImage } from '../support/e2e/images.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { REPOSITORY, Site } from '../support/e2e/site.ts';
import { run, type Outcome } from '../support/e2e/unpackd.ts';

const TOY = ['--import', new URL('../support/e2e/toy-output.js', import.meta.url).href];

describe('e2e/toy-output', () => {
  let registry: TestRegistry;
  let site: Site;
  let images: Image[];

  before(async () => {
    registry = await TestRegistry.start();
    images = [await smallImage('1.0'), await smallImage('2.0')];
    for (const [index, image] of images.entries()) registry.add('lab/tool', `${index + 1}.0`, image);
  });
  after(async () => registry.close());
  beforeEach(async () => {
    site = await Site.make('directory');
  });

  /** Publishes both images, `settings` being lines of the recipe. */
  async function convert(settings: readonly string[], words: readonly string[] = []): Promise<Outcome> {
    const recipe = join(site.folder, 'recipe.yaml');
    const wishes = ['1.0', '2.0'].map((tag) => `  - 'http://${registry.host}/lab/tool:${tag}'`);
    const lines = ['version: 2', `repositories: ${REPOSITORY}`, ...settings, 'input:', ...wishes, ''];
    writeFileSync(recipe, lines.join('\n'));
    return await run(['convert', recipe, ...site.options, ...words], { nodeOptions: TOY });
  }

  function textOf(tag: string): string | undefined {
    const path = site.path(`.toy/${registry.host}/lab/tool:${tag}.txt`);
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  }

  function assertPublished(): void {
    for (const [index, { layers, manifest }] of images.entries()) {
      const { config } = JSON.parse(manifest.bytes.toString());
      assert.equal(textOf(`${index + 1}.0`), `${layers.length} layers of ${config.digest}\n`);
    }
  }

  it('is published of each image, and a second run publishes nothing', async () => {
    const first = await convert([]);
    assert.equal(first.status, 0, first.stderr);
    assertPublished();
    const second = await convert([]);
    assert.equal(second.stdout.match(/^unchanged /gm)?.length, 2, second.stdout);
    assert.doesNotMatch(second.stderr, /^publication/m);
  });

  const switches: readonly [what: string, settings: readonly string[], words: readonly string[]][] = [
    ['the option "outputs"', [], ['--outputs', 'layers,flat']],
    ['outputs of a recipe', ['defaults:', '  outputs: [layers, flat]'], []],
  ];
  for (const [what, settings, words] of switches) {
    it(`is left out by ${what}; once it is switched on, images that are published get it`, async () => {
      const without = await convert(settings, words);
      assert.equal(without.status, 0, without.stderr);
      assert.equal(textOf('1.0'), undefined);
      const [on, onWords] = [
        settings.map((line) => line.replace('flat', 'flat, toy')),
        words.map((word) => word.replace('flat', 'flat,toy')),
      ];
      const withToy = await convert(on, onWords);
      assert.equal(withToy.stdout.match(/^published /gm)?.length, 2, withToy.stdout);
      assertPublished();
      const again = await convert(on, onWords);
      assert.equal(again.stdout.match(/^unchanged /gm)?.length, 2, again.stdout);
    });
  }

  it('has trees that go after their image was taken back, and links that never lead to nothing', async () => {
    const trees = (): string[] =>
      readdirSync(site.path('.toy'))
        .filter((name) => /^[0-9a-f]{2}$/.test(name))
        .flatMap((prefix) => readdirSync(site.path(`.toy/${prefix}`)));
    const unpackd = async (...words: readonly string[]): Promise<Outcome> => {
      const outcome = await run([...words, ...site.options], { nodeOptions: TOY });
      assert.equal(outcome.status, 0, outcome.stderr);
      return outcome;
    };
    for (const tag of ['1.0', '2.0'])
      await unpackd('convert-single-image', `http://${registry.host}/lab/tool:${tag}`, REPOSITORY);
    assert.equal(trees().length, 2);
    await unpackd('remove', `${registry.host}/lab/tool:1.0`);
    assert.equal(textOf('1.0'), undefined);
    const { stdout } = await unpackd('gc', REPOSITORY);
    assert.match(stdout, /marked +toy\//);
    assert.equal(trees().length, 2);
    await unpackd('restore', `${registry.host}/lab/tool:1.0`);
    await unpackd('gc', REPOSITORY, '--grace-period', '0');
    assertPublished();
    await unpackd('remove', `${registry.host}/lab/tool:1.0`);
    await unpackd('gc', REPOSITORY, '--grace-period', '0');
    assert.equal(trees().length, 1);
    assert.ok(!existsSync(site.path(`.toy/${registry.host}/lab/tool:1.0.txt`)));
    assert.match(textOf('2.0') ?? '', /layers of/);
  });

  it('has a folder that no image can be in the place of', async () => {
    const { status, stderr } = await convert(['defaults:', '  subdirectory: .toy']);
    assert.equal(status, 1, stderr);
    assert.match(stderr, /^error\[setting-invalid\]/m);
  });

  it('is named to whoever asks for one that is not there', async () => {
    const { stderr } = await convert(['defaults:', '  outputs: toi']);
    assert.match(stderr, /did you mean toy\? the outputs are layers, flat, chains, podman, toy/);
  });
});
