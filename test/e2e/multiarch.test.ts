import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isVariantTarget } from '../../publisher/image/layout.ts';
import { variantTarget } from '../../publisher/outputs/public-links.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { BACKENDS, REPOSITORY, Site } from '../support/e2e/site.ts';
import { run, type Outcome } from '../support/e2e/unpackd.ts';
import { image, imageIndex, type Image } from '../support/images/image.ts';
import { file } from '../support/images/layer-entry.ts';
import { layer } from '../support/images/layer.ts';

const ARCHITECTURES = ['amd64', 'arm64'] as const;
const BOTH = 'platforms: [linux/amd64, linux/arm64]';

/** An index of images each of which has its architecture in a file, with `text`. */
async function indexSaying(text: string): Promise<Image> {
  const members = ARCHITECTURES.map(async (architecture) => {
    const layers = [await layer([file('says', `${architecture} ${text}`)])];
    const config = { architecture, os: 'linux' };
    return { image: image({ layers, config }), platform: { os: 'linux', architecture } };
  });
  return imageIndex(await Promise.all(members));
}

/** Where a multi-platform image of each name that clients may have is found: by what they set CVMFS_ARCH to. */
const CLIENTS = [
  [undefined, 'amd64'],
  ['amd64', 'amd64'],
  ['x86_64', 'amd64'],
  ['arm64', 'arm64'],
  ['aarch64', 'arm64'],
] as const;

for (const [kind, release] of [
  ...BACKENDS.map((one) => [one, undefined] as const),
  ['cvmfs', '2.14'] as const,
]) {
  const isCvmfs = kind === 'cvmfs';
  describe(`e2e/multiarch: unpackd convert, backend ${kind} ${release ?? ''}: one name for all architectures`, () => {
    let registry: TestRegistry;
    let site: Site;
    let wish: string;
    let name: string;

    beforeEach(async () => {
      registry = await TestRegistry.start();
      site = await Site.make(kind, release);
      wish = registry.add('lab/tool', '1', await indexSaying('one'));
      name = wish.replace('http://', '');
    });
    afterEach(async () => {
      await registry.close();
      await site.close();
    });

    async function convert(settings: readonly string[], ...words: string[]): Promise<string[]> {
      const outcome = await convertWhole(settings, ...words);
      assert.equal(outcome.status, 0, outcome.stderr);
      return outcome.stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(' ')[0] ?? '');
    }

    async function convertWhole(settings: readonly string[], ...words: string[]): Promise<Outcome> {
      const recipe = join(site.folder, 'recipe.yaml');
      const lines = [`cvmfs_repo: ${REPOSITORY}`, ...settings, 'input:', `  - '${wish}'`];
      const version = settings.some((line) => line.startsWith('defaults')) ? 2 : 1;
      writeFileSync(recipe, [`version: ${version}`, ...lines, ''].join('\n'));
      return await run(['convert', recipe, ...site.options, ...words]);
    }

    async function seen(at: string): Promise<(readonly [string | undefined, string])[]> {
      return await Promise.all(
        CLIENTS.map(async ([client]) => {
          const tree = await site.clientPath(at, client);
          return [client, readFileSync(join(tree, 'says'), 'utf8')] as const;
        }),
      );
    }

    function saying(text: string, isFollowed = isCvmfs): (readonly [string | undefined, string])[] {
      return CLIENTS.map(([client, architecture]) => [
        client,
        `${isFollowed ? architecture : 'amd64'} ${text}`,
      ]);
    }

    it('leads each client to the image for its own, also when the tag moves', async () => {
      assert.deepEqual(await convert([BOTH]), ['published', 'published']);
      assert.deepEqual(await seen(name), saying('one'));
      assert.deepEqual(await convert([BOTH]), ['unchanged', 'unchanged']);
      registry.add('lab/tool', '1', await indexSaying('two'));
      assert.deepEqual(await convert([BOTH]), ['published', 'published']);
      assert.deepEqual(await seen(name), saying('two'));
      assert.equal(existsSync(site.path('.multiarch/amd64')), isCvmfs);
      assert.equal(existsSync(site.path('.multiarch/aarch64')), isCvmfs);
    });

    it('is made and taken back for what is published', async () => {
      assert.deepEqual(await convert(['platforms: [linux/amd64]']), ['published']);
      const plain = readlinkSync(site.path(name));
      const again = isCvmfs ? 'published' : 'unchanged';
      assert.deepEqual(await convert([BOTH]), [again, 'published']);
      assert.equal(readlinkSync(site.path(name)), isCvmfs ? variantTarget(name) : plain);
      assert.deepEqual(await convert([BOTH], '--multiarch-links', 'never'), [again, 'unchanged']);
      assert.equal(readlinkSync(site.path(name)), plain);
      assert.deepEqual(await seen(name), saying('one', false));
      assert.deepEqual(await convert([BOTH], '--multiarch-links', 'never'), ['unchanged', 'unchanged']);
      registry.add('lab/tool', '1', await indexSaying('two'));
      assert.deepEqual(await convert([BOTH], '--multiarch-links', 'never'), ['published', 'published']);
      assert.deepEqual(await seen(name), saying('two', false));
      if (isCvmfs) assert.deepEqual(await seen(`.multiarch/amd64/${name}`), saying('two', false));
    });

    it('is there for an image of one platform where all have it', async () => {
      assert.deepEqual(await convert(['platforms: [linux/arm64]'], '--multiarch-links', 'always'), [
        'published',
      ]);
      const arm64 = readFileSync(join(await site.clientPath(`.multiarch/arm64/${name}`), 'says'), 'utf8');
      assert.equal(arm64, 'arm64 one');
      const found = await site.clientPath(name, 'aarch64');
      assert.equal(existsSync(found), isCvmfs);
      assert.deepEqual(await convert(['platforms: [linux/arm64]'], '--multiarch-links', 'always'), [
        'unchanged',
      ]);
    });

    it('is made again with an image that is restored from its registry', async () => {
      await convert([BOTH]);
      const other = registry.add('lab/other', '1', image({ layers: [await layer([file('says', 'x')])] }));
      await site.convert([other]);
      const removed = await site.command(['remove', name]);
      assert.equal(removed.status, 0, removed.stderr);
      assert.equal(existsSync(site.path(name)), false);
      removeTrees();
      const restored = await run(['restore', wish, ...site.options]);
      assert.equal(restored.status, 0, restored.stderr);
      assert.match(restored.stdout, /(published .* again .*\n){2}/);
      assert.equal(isVariantTarget(readlinkSync(site.path(name))), isCvmfs);
      assert.deepEqual(await seen(name), saying('one'));
    });

    function removeTrees(): void {
      if (site.fixture === undefined) {
        rmSync(site.path('.flat'), { recursive: true });
        return;
      }
      const { command, root } = site.fixture;
      execFileSync(command, ['transaction', REPOSITORY], { stdio: 'ignore' });
      rmSync(join(root, REPOSITORY, '.flat'), { recursive: true });
      execFileSync(command, ['publish', REPOSITORY], { stdio: 'ignore' });
    }

    it('leads there from below a folder', async () => {
      const settings = [
        'defaults:',
        `  platforms: [linux/amd64, linux/arm64]`,
        '  subdirectory: atlas/releases',
      ];
      assert.deepEqual(await convert(settings), ['published', 'published']);
      assert.deepEqual(await seen(`atlas/releases/${name}`), saying('one'));
    });

    it('is what status, client-config and podman take for the image', async () => {
      await convert([BOTH]);
      const { stdout: status } = await site.command(['status', '--json']);
      const { repositories } = JSON.parse(status);
      assert.equal(repositories[0].images, 2, status);
      assert.deepEqual([repositories[0].unwanted, repositories[0].failing], [[], []]);
      for (const [platform, place] of [
        ['linux/amd64', name],
        ['linux/arm64', `.multiarch/arm64/${name}`],
      ] as const) {
        const words = ['client-config', 'apptainer', REPOSITORY, '--platforms', platform];
        const { stdout, stderr } = await site.command(words);
        assert.ok(stdout.includes(`/${REPOSITORY}/${place} `), stdout + stderr);
      }
      for (const store of ['podmanStore', '.multiarch/arm64/podmanStore']) {
        const images = JSON.parse(readFileSync(site.path(`${store}/overlay-images/images.json`), 'utf8'));
        assert.deepEqual(
          images.map(({ names }: { names: string[] }) => names),
          [[name]],
        );
      }
    });
  });
}
