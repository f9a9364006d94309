import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { smallImage } from '../support/e2e/images.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { BACKENDS, REPOSITORY, Site } from '../support/e2e/site.ts';
import { run, type Outcome } from '../support/e2e/unpackd.ts';
import { image, imageIndex, type Image } from '../support/images/image.ts';
import { directory, file } from '../support/images/layer-entry.ts';
import { layer } from '../support/images/layer.ts';
import { PLATFORM_FILE, pushMultiPlatformImage } from '../support/images/multi-platform.ts';
import { describeWith } from '../support/programs.ts';
import { startDockerRegistry, type DockerRegistry } from '../support/registry/docker-registry.ts';

/** Where the image of each platform of `name` is to be seen. */
function placesOf(name: string): Record<string, string> {
  return {
    'linux/amd64': name,
    'linux/arm64': `.multiarch/arm64/${name}`,
    'linux/arm/v6': `.multiarch/arm:v6/${name}`,
    'linux/arm/v7': `.multiarch/arm:v7/${name}`,
  };
}

/** A file that says which image it belongs to, for one platform. */
async function imageFor(architecture: string, text: string): Promise<Image> {
  const entries = [directory('etc/'), file(PLATFORM_FILE, `${text}\n`)];
  return image({ layers: [await layer(entries)], config: { architecture, os: 'linux' } });
}

async function indexOf(...architectures: string[]): Promise<Image> {
  const members = await Promise.all(
    architectures.map(async (architecture) => ({
      image: await imageFor(architecture, architecture),
      platform: { os: 'linux', architecture },
    })),
  );
  return imageIndex(members);
}

async function convert(
  site: Site,
  lines: readonly string[],
  words: readonly string[] = [],
): Promise<Outcome> {
  const recipe = join(site.folder, 'platforms.yaml');
  writeFileSync(recipe, ['version: 1', `cvmfs_repo: ${REPOSITORY}`, ...lines, ''].join('\n'));
  return await run(['convert', recipe, ...site.options, ...words]);
}

function platformAt(site: Site, place: string): string | undefined {
  const path = site.path(`${place}/${PLATFORM_FILE}`);
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;
}

for (const kind of BACKENDS) {
  describeWith(
    ['docker-registry', 'buildah', 'root'],
    `e2e/platforms: unpackd convert, backend ${kind}: an image for several platforms`,
    () => {
      let registry: DockerRegistry;
      let site: Site;

      before(async function () {
        registry = await startDockerRegistry();
        await pushMultiPlatformImage(`${registry.host}/lab/multi:1`);
        site = await Site.make(kind);
      });
      after(async () => {
        await registry?.close();
        await site?.close();
      });

      it('is published for each, beside each other', async () => {
        const wish = `  - 'http://${registry.host}/lab/multi:1'`;
        const places = placesOf(`${registry.host}/lab/multi:1`);
        const platforms = Object.keys(places).join(', ');
        const { status, stdout, stderr } = await convert(site, [`platforms: [${platforms}]`, 'input:', wish]);
        assert.equal(status, 0, stderr);
        assert.equal(stdout.match(/^published /gm)?.length, 4, stdout);
        for (const [platform, place] of Object.entries(places)) {
          const tree = await site.clientPath(place);
          assert.equal(readFileSync(join(tree, PLATFORM_FILE), 'utf8').trim(), platform);
          assert.ok(existsSync(site.path(`.metadata/${place}/manifest.json`)), place);
        }
        const again = await convert(site, [`platforms: [${platforms}]`, 'input:', wish]);
        assert.deepEqual([again.status, again.stdout.match(/^unchanged /gm)?.length], [0, 4]);
      });
    },
  );
}

describe('e2e/platforms: unpackd convert: platforms that an image lacks', () => {
  let registry: TestRegistry;
  let site: Site;
  before(async () => {
    registry = await TestRegistry.start();
  });
  after(async () => registry.close());
  beforeEach(async () => {
    site = await Site.make('directory');
  });

  it('fail where the wish names them; the others are published', async () => {
    const wish = registry.add('lab/some', '1', await indexOf('amd64', 'arm64'));
    const lines = ['input:', `  - image: '${wish}'`, '    platforms: [linux/arm64, linux/s390x]'];
    const { status, stdout, stderr } = await convert(site, lines, ['--json']);
    assert.equal(status, 1);
    const { images } = JSON.parse(stdout);
    assert.deepEqual(
      images.map(({ platform, outcome, code }: Record<string, string>) => [platform, outcome, code]),
      [
        ['linux/arm64', 'published', undefined],
        ['linux/s390x', 'failed', 'platform-missing'],
      ],
    );
    assert.match(stderr, /^error\[platform-missing\].*linux\/amd64, linux\/arm64/m);
    const name = wish.replace('http://', '');
    assert.equal(platformAt(site, `.multiarch/arm64/${name}`), 'arm64');
    assert.equal(platformAt(site, name), undefined);
  });

  it('are noted where the recipe names them for all', async () => {
    const wish = registry.add('lab/some', '2', await indexOf('amd64'));
    const { status, stdout, stderr } = await convert(site, [
      'platforms: [linux/amd64, linux/arm64]',
      'input:',
      `  - '${wish}'`,
    ]);
    assert.equal(status, 0, stderr);
    assert.equal(stdout.split('\n').length, 2);
    assert.match(stderr, /no image for linux\/arm64/);
    assert.doesNotMatch(stderr, /^error/m);
  });

  it('fail where the image has none of those that are meant for all', async () => {
    const wish = registry.add('lab/some', '3', await indexOf('s390x'));
    const platforms = ['--platforms', 'linux/amd64,linux/arm64'];
    const { status, stderr } = await convert(site, ['input:', `  - '${wish}'`], platforms);
    assert.equal(status, 1);
    assert.match(stderr, /^error\[platform-missing\].*linux\/s390x/m);
  });

  it('are told from the config where there is no index', async () => {
    const arm64 = registry.add('lab/alone', 'arm64', await imageFor('arm64', 'arm64'));
    const lines = ['input:', `  - image: '${arm64}'`, '    platforms: [linux/amd64, linux/arm64]'];
    const { status, stderr } = await convert(site, lines);
    assert.equal(status, 1);
    assert.match(stderr, /^error\[platform-missing\]/m);
    assert.equal(platformAt(site, `.multiarch/arm64/${arm64.replace('http://', '')}`), 'arm64');
  });

  it('do not matter where nobody names any: what has no index is taken, with a warning', async () => {
    const wish = registry.add('lab/alone', 'any', await imageFor('arm64', 'arm64'));
    const { status, stderr } = await convert(site, ['input:', `  - '${wish}'`]);
    assert.equal(status, 0);
    assert.match(stderr, /^warning: .*linux\/arm64/m);
    assert.equal(platformAt(site, wish.replace('http://', '')), 'arm64');
  });

  it('need not be said by a config: what does not say is taken for the default, with a warning', async () => {
    const old = await layer([directory('etc/'), file(PLATFORM_FILE, 'old\n')]);
    for (const [missing, config] of [
      ['architecture and os', { architecture: undefined, os: undefined }],
      ['architecture', { architecture: undefined }],
      ['os', { os: undefined }],
    ] as const) {
      const unsaid = image({ layers: [old], config });
      const wish = registry.add('lab/unsaid', missing.replaceAll(' ', '-'), unsaid);
      const { status, stderr } = await convert(site, ['input:', `  - '${wish}'`]);
      assert.equal(status, 0, stderr);
      assert.match(stderr, new RegExp(`^warning: .*without ${missing}: it is taken for linux/amd64$`, 'm'));
      assert.equal(platformAt(site, wish.replace('http://', '')), 'old');
      const named = ['input:', `  - image: '${wish}'`, '    platforms: [linux/amd64, linux/arm64]'];
      const wanted = await convert(site, named);
      assert.equal(wanted.status, 1);
      assert.match(wanted.stderr, /^error\[platform-missing\]/m);
    }
  });

  it('leave an index that moves for one of them alone for the other', async () => {
    const both = ['platforms: [linux/amd64, linux/arm64]', 'input:'];
    const amd64 = { image: await smallImage('amd64'), platform: { os: 'linux', architecture: 'amd64' } };
    const member = async (text: string) => ({
      image: await imageFor('arm64', text),
      platform: { os: 'linux', architecture: 'arm64' },
    });
    const wish = registry.add('lab/moving', '1', imageIndex([amd64, await member('one')]));
    assert.equal((await convert(site, [...both, `  - '${wish}'`])).status, 0);
    registry.add('lab/moving', '1', imageIndex([amd64, await member('two')]));
    const { stdout } = await convert(site, [...both, `  - '${wish}'`], ['--json']);
    assert.deepEqual(
      JSON.parse(stdout).images.map(({ outcome }: { outcome: string }) => outcome),
      ['unchanged', 'published'],
    );
    assert.equal(platformAt(site, `.multiarch/arm64/${wish.replace('http://', '')}`), 'two');
    assert.deepEqual(readdirSync(site.path('.multiarch')), ['arm64']);
  });
});
