import assert from 'node:assert/strict';
import { existsSync, lstatSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Digest } from '../../core/oci/digest.ts';
import { chainIds, chainPath, layerPath, layerRoot } from '../../publisher/image/layout.ts';
import { richImage, smallImage } from '../support/e2e/images.ts';
import { imageTree, unpackedByUmoci } from '../support/e2e/reference.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { BACKENDS, REPOSITORY, Site } from '../support/e2e/site.ts';
import { run, runHere } from '../support/e2e/unpackd.ts';
import type { Image } from '../support/images/image.ts';
import { needs, needsRoot } from '../support/programs.ts';
import { temporaryDirectory } from '../support/setup.ts';
import { differences, snapshot } from '../support/trees/snapshot.ts';

for (const kind of BACKENDS) {
  describe(`e2e/flags: the flags of unpackd convert, backend ${kind}`, () => {
    let registry: TestRegistry;
    let image: Image;
    let wish: string;
    let site: Site;
    before(async () => {
      registry = await TestRegistry.start();
      image = await richImage();
      wish = registry.add('lab/rich', '1', image);
    });
    after(async () => registry.close());
    beforeEach(async () => {
      site = await Site.make(kind);
    });
    afterEach(async () => site.close());

    const name = (): string => `${registry.host}/lab/rich:1`;

    async function convert(...words: string[]): Promise<void> {
      const { status, stderr, stdout } = await site.convertHere([wish], words);
      assert.equal(status, 0, stderr);
      assert.match(stdout, /^published /);
    }

    function folders(): string[] {
      return readdirSync(site.published).filter((entry) =>
        ['.flat', '.layers', '.chains', registry.host].includes(entry),
      );
    }

    function recipeOf(images: readonly string[]): string {
      const path = join(site.folder, 'recipe.yaml');
      const lines = images.map((line) => `  - {image: ${line}}`);
      const head = ['version: 2', `cvmfs_repo: '${REPOSITORY}'`, 'input:'];
      writeFileSync(path, [...head, ...lines, ''].join('\n'));
      return path;
    }

    const top = ({ layers }: Image): Digest => {
      const digest = layers.at(-1)?.digest;
      assert.ok(digest !== undefined);
      return digest;
    };

    const hasChains = ({ layers }: Image): boolean =>
      chainIds(layers.map(({ digest }) => digest)).every((chain) => existsSync(site.path(chainPath(chain))));

    it('--skip-flat: layers and chains alone, and no public name', async () => {
      await convert('--skip-flat', '--chains');
      assert.deepEqual(folders().sort(), ['.chains', '.layers']);
      assert.ok(existsSync(site.path(`.metadata/${name()}/manifest.json`)));
      const { stdout } = await site.convertHere([wish], ['--skip-flat']);
      assert.match(stdout, /^unchanged /);
      await convert();
      assert.ok(existsSync(site.path(`${name()}/usr/bin/tool`)));
    });

    it('--skip-layers: the root file system alone, and it is the same', async function () {
      needsRoot(this);
      needs(this, 'umoci');
      await convert('--skip-layers');
      assert.deepEqual(folders().sort(), ['.flat', registry.host].sort());
      const expected = await imageTree(await unpackedByUmoci(image));
      assert.deepEqual(differences(await imageTree(site.path(`${name()}/`)), expected), []);
      await convert('--chains');
      assert.deepEqual(folders().length, 4);
      assert.deepEqual(differences(await imageTree(site.path(`${name()}/`)), expected), []);
    });

    it('--no-chains: all but chains, whatever the recipe says and the repository has', async () => {
      await convert('--chains');
      const other = await smallImage('other');
      const recipe = recipeOf([`'${registry.add('lab/other', '1', other)}', outputs: [layers, chains]`]);
      const { status, stderr } = await runHere(['convert', recipe, '--no-chains', ...site.options]);
      assert.equal(status, 0, stderr);
      assert.ok(existsSync(site.path(layerRoot(top(other)))));
      assert.equal(hasChains(other), false);
    });

    it('without a flag: chains in a repository that has some, and in no other', async () => {
      await convert();
      assert.equal(hasChains(image), false);
      assert.match((await site.convertHere([wish])).stdout, /^unchanged /);
      await convert('--chains');
      assert.ok(hasChains(image));
      const other = await smallImage('other');
      const both = [wish, registry.add('lab/other', '1', other)];
      const { stdout } = await site.convertHere(both);
      assert.match(stdout, /^unchanged .*\npublished /);
      assert.ok(hasChains(other));
      const limited = await smallImage('limited');
      const wishes = [...both, registry.add('lab/limited', '1', limited)];
      await site.convertHere(wishes, ['--outputs', 'layers,flat']);
      assert.ok(existsSync(site.path(layerRoot(top(limited)))));
      assert.equal(hasChains(limited), false);
    });

    it('without a flag: chains of an image whose line names them, then of all, and nothing changes after that', async () => {
      const other = await smallImage('other');
      const named = `'${registry.add('lab/other', '1', other)}', outputs: [layers, chains]`;
      const recipe = recipeOf([`'${wish}'`, named]);
      const words = ['convert', recipe, ...site.options];
      assert.match((await runHere(words)).stdout, /^published .*\npublished /);
      assert.deepEqual([hasChains(image), hasChains(other)], [false, true]);
      assert.match((await runHere(words)).stdout, /^published .*\nunchanged /);
      assert.ok(hasChains(image));
      assert.match((await runHere(words)).stdout, /^unchanged .*\nunchanged /);
    });

    it('--convert-again: what is published is published again, and is the same', async () => {
      await convert();
      const before = await snapshot(site.path('.flat'));
      registry.requests();
      await convert('--convert-again');
      assert.deepEqual(differences(await snapshot(site.path('.flat')), before), []);
      const layers = new Set<string>(image.layers.map(({ digest }) => digest));
      assert.deepEqual(
        registry.blobRequests().filter((digest) => layers.has(digest)),
        [],
      );
    });
  });
}

describe('e2e/flags: the flags of unpackd convert, backend directory', () => {
  let registry: TestRegistry;
  let image: Image;
  let wish: string;
  let site: Site;
  before(async () => {
    registry = await TestRegistry.start();
    image = await richImage({ layers: 2 });
    wish = registry.add('lab/rich', '1', image);
  });
  after(async () => registry.close());
  beforeEach(async () => {
    site = await Site.make('directory');
  });

  const name = (): string => `${registry.host}/lab/rich:1`;
  const inLayer = (path: string): string => {
    const [layer] = image.layers;
    assert.ok(layer !== undefined);
    return site.path(`${layerRoot(layer.digest)}/${path}`);
  };

  it('--overwrite-layers and --convert-again: what was damaged is whole again', async () => {
    const unpack = async (...words: string[]): Promise<void> => {
      const { status, stderr } = await site.convertHere([wish], words);
      assert.equal(status, 0, stderr);
    };
    await unpack();
    const [layers, flat] = [site.path('.layers'), site.path('.flat')];
    const ignore = (path: string): boolean => path.endsWith('/.metadata');
    const before = { layers: await snapshot(layers, { ignore }), flat: await snapshot(flat) };
    writeFileSync(inLayer('usr/bin/tool'), 'tampered with');
    writeFileSync(inLayer('usr/bin/added'), 'by somebody');
    assert.equal(readFileSync(site.path(`${name()}/usr/bin/tool`), 'utf8'), 'tampered with');
    await unpack('--overwrite-layers');
    assert.deepEqual(differences(await snapshot(layers, { ignore }), before.layers), []);
    await unpack('--convert-again');
    assert.deepEqual(differences(await snapshot(flat), before.flat), []);
    assert.equal(lstatSync(inLayer('usr/bin/tool')).ino, lstatSync(site.path(`${name()}/usr/bin/tool`)).ino);
  });

  it('--temporary-dir: where blobs lie meanwhile; nothing of them is left', async () => {
    const folder = await temporaryDirectory('temporary');
    const { status } = await site.convertHere([wish], ['--temporary-dir', folder]);
    assert.equal(status, 0);
    assert.deepEqual(readdirSync(folder), ['spool']);
    assert.deepEqual(readdirSync(join(folder, 'spool', 'blobs', 'sha256')), []);
    assert.deepEqual(readdirSync(site.state), ['listings', 'manifests', 'unpackd.db']);
  });

  it('--notification-file: lines as DUCC writes them, for all that was begun and ended', async () => {
    const path = join(site.folder, 'notifications.jsonl');
    const missing = `http://${registry.host}/lab/rich:missing`;
    const { status } = await site.convertHere([wish, missing], ['--notification-file', path]);
    assert.equal(status, 1);
    const lines = readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line): Record<string, string> => JSON.parse(line));
    const actions = lines.map(({ action }) => action);
    const count = (action: string): number => actions.filter((other) => other === action).length;
    assert.deepEqual([actions[0], actions.at(-1)], ['start_ducc', 'end_ducc']);
    for (const [action, times] of [
      ['start_flat_conversion', 2],
      ['end_flat_conversion', 2],
      ['publish_flat_image', 1],
      ['start_layer_conversion', 2],
      ['end_layer_conversion', 2],
      ['publish_layer', 2],
    ] as const)
      assert.equal(count(action), times, action);
    for (const line of lines) {
      assert.match(line['time'] ?? '', /^[ \d]\d \w{3} \d{4} - \d\d:\d\d:\d\d\.\d{3}$/);
      if (!line['action']?.startsWith('end_')) continue;
      assert.match(line['time_elapsed_s'] ?? '', /^\d+\.\d{6}$/);
      const begun = lines.find(({ id, action }) => id === line['id'] && action?.startsWith('start_'));
      assert.ok(begun !== undefined || line['action'] === 'end_ducc', line['action']);
    }
    const failed = lines.find(
      ({ action, status: how }) => action === 'end_flat_conversion' && how === 'error',
    );
    assert.equal(failed?.['image'], `${registry.host}/lab/rich:missing`);
    assert.notEqual(failed?.['error'] ?? '', '');
    const size = lines.find(({ action }) => action === 'end_layer_conversion')?.['size_bytes'];
    assert.ok(image.layers.some((layer) => String(layer.size) === size));
    const published = lines.find(({ action }) => action === 'publish_flat_image');
    assert.equal(published?.['public_path'], name());
  });

  it('by the environment, which goes before the configuration file, and after an option', async () => {
    const file = join(site.folder, 'unpackd.yaml');
    const settings = [
      'backend: directory',
      `root: ./root`,
      `state: ./elsewhere`,
      'skip-flat: true',
      'chains: false',
      'progress: none',
    ];
    writeFileSync(file, `${settings.join('\n')}\n`);
    const words = ['convert', site.recipe([wish]), '--config', file];
    const first = await run(words);
    assert.equal(first.status, 0, first.stderr);
    assert.match(first.stderr, /^(?:warning: .*\n)*$/);
    assert.deepEqual(readdirSync(site.published).sort(), ['.layers', '.metadata', '.unpackd', 'podmanStore']);
    assert.ok(existsSync(join(site.folder, 'elsewhere', 'listings')));

    const environment = { UNPACKD_SKIP_FLAT: 'false', UNPACKD_CHAINS: 'true', UNPACKD_STATE: site.state };
    const second = await run([...words, '--no-chains'], { environment });
    assert.equal(second.status, 0);
    assert.deepEqual(
      readdirSync(site.published).sort(),
      ['.flat', '.layers', '.metadata', '.unpackd', 'podmanStore', registry.host].sort(),
    );
    assert.ok(existsSync(join(site.state, 'spool')));

    const wrong = await run(words, { environment: { UNPACKD_DOWNLOADS: 'many' } });
    assert.equal(wrong.status, 2);
    assert.match(wrong.stderr, /^error\[configuration-invalid\] UNPACKD_DOWNLOADS/);
  });

  it('--batch-size: as many publications as it takes', async () => {
    const wishes = ['a', 'b', 'c'].map(async (tag) => registry.add('lab/batch', tag, await smallImage(tag)));
    const { status, stdout } = await site.convertHere(await Promise.all(wishes), [
      '--batch-size',
      '1',
      '--json',
    ]);
    assert.deepEqual([status, JSON.parse(stdout).publications], [0, 3]);
  });

  it('records of layers name all images that use them', async () => {
    const other = registry.add('lab/rich', '2', await richImage({ layers: 3 }));
    for (const wishes of [[wish], [other]]) assert.equal((await site.convertHere(wishes)).status, 0);
    const [base] = image.layers;
    assert.ok(base !== undefined);
    const record = readFileSync(site.path(`${layerPath(base.digest)}/.metadata/origin.json`), 'utf8');
    assert.equal(JSON.parse(record).origin.length, 2);
  });
});
