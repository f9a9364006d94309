import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  appendFileSync,
  writeFileSync,
  existsSync,
  lstatSync,
  readFileSync,
  readdirSync,
  readlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { richImage, smallImage } from '../support/e2e/images.ts';
import { imageTree } from '../support/e2e/reference.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { REPOSITORY, Site } from '../support/e2e/site.ts';
import { run } from '../support/e2e/unpackd.ts';
import { canCompress } from '../support/images/compression.ts';
import { imageIndex } from '../support/images/image.ts';
import { writeLayout } from '../support/images/layout.ts';
import { ImageStore } from '../support/images/store.ts';
import { needs } from '../support/programs.ts';
import { startDockerRegistry } from '../support/registry/docker-registry.ts';
import { temporaryDirectory } from '../support/setup.ts';
import { differences } from '../support/trees/snapshot.ts';

const command = promisify(execFile);

describe('e2e/references', () => {
  let registry: TestRegistry;
  let site: Site;
  before(async () => {
    registry = await TestRegistry.start({ maximumPageSize: 3 });
  });
  after(async () => registry.close());
  beforeEach(async () => {
    site = await Site.make('directory');
  });

  /** The public names below `repository`, with what their file says. */
  function published(repository: string): Record<string, string> {
    const [, folder = '', name = ''] = /^(.*)\/([^/]+)$/.exec(repository) ?? [];
    const path = site.path(`${registry.host}/${folder}`);
    const names = readdirSync(path).filter((entry) => new RegExp(`^${name}[:@]`).test(entry));
    return Object.fromEntries(
      names
        .toSorted()
        .map((entry) => [entry.slice(name.length), readFileSync(join(path, entry, 'etc/release'), 'utf8')]),
    );
  }

  it('a tag: its name leads to the new image when it has moved', async () => {
    const wish = registry.add('lab/moving', 'latest', await smallImage('one'));
    assert.equal((await site.convert([wish])).status, 0);
    const before = readlinkSync(site.path(`${registry.host}/lab/moving:latest`));
    registry.add('lab/moving', 'latest', await smallImage('two'));
    const { status, stdout } = await site.convert([wish]);
    assert.deepEqual([status, stdout.split(' ')[0]], [0, 'published']);
    assert.deepEqual(published('lab/moving'), { ':latest': 'two' });
    const after = readlinkSync(site.path(`${registry.host}/lab/moving:latest`));
    assert.notEqual(after, before);
    assert.ok(existsSync(site.path(before.replace(/^(\.\.\/)+/, ''))), 'what was published stays');
    registry.add('lab/moving', 'latest', await smallImage('one'));
    registry.requests();
    assert.equal((await site.convert([wish])).status, 0);
    assert.deepEqual(published('lab/moving'), { ':latest': 'one' });
  });

  it('no tag: latest', async () => {
    registry.add('lab/untagged', 'latest', await smallImage('latest'));
    assert.equal((await site.convert([`http://${registry.host}/lab/untagged`])).status, 0);
    assert.deepEqual(published('lab/untagged'), { ':latest': 'latest' });
  });

  it('a pattern: all tags of all pages that match it, and no others', async () => {
    const tags = ['1.0', '1.1', '1.10', '1.2', '1.x', '10', '2.0', '21x0', 'latest'];
    for (const tag of tags) registry.add('lab/many', tag, await smallImage(tag));
    const { status, stdout } = await site.convert([`http://${registry.host}/lab/many:1.*`]);
    assert.deepEqual([status, stdout.split('\n').length - 1], [0, 5]);
    assert.deepEqual(Object.keys(published('lab/many')), [':1.0', ':1.1', ':1.10', ':1.2', ':1.x']);
  });

  it('a digest, alone or with a tag that has moved on', async () => {
    const image = await smallImage('pinned');
    registry.add('lab/pinned', '1', image);
    registry.add('lab/pinned', '1', await smallImage('moved on'));
    const { digest } = image.manifest;
    const wishes = [`@${digest}`, `:1@${digest}`, ':1'].map(
      (end) => `http://${registry.host}/lab/pinned${end}`,
    );
    assert.equal((await site.convert(wishes)).status, 0);
    assert.deepEqual(published('lab/pinned'), {
      ':1': 'moved on',
      [`:1@${digest}`]: 'pinned',
      [`@${digest}`]: 'pinned',
    });
  });

  it('two names of one image: one tree, whose layer is fetched once', async () => {
    const image = await smallImage('shared');
    const wishes = ['1.0', 'latest'].map((tag) => registry.add('lab/shared', tag, image));
    const other = registry.add('lab/renamed', '1.0', image);
    registry.requests();
    assert.equal((await site.convert([...wishes, other])).status, 0);
    const [layer] = image.layers;
    assert.equal(registry.blobRequests().filter((digest) => digest === layer?.digest).length, 1);
    assert.deepEqual(published('lab/shared'), { ':1.0': 'shared', ':latest': 'shared' });
    assert.deepEqual(published('lab/renamed'), { ':1.0': 'shared' });
    assert.equal(readdirSync(site.path('.flat')).length, 1);
    for (const name of ['lab/shared:1.0', 'lab/shared:latest', 'lab/renamed:1.0'])
      assert.ok(existsSync(site.path(`.metadata/${registry.host}/${name}/manifest.json`)));
    const origin = site.path(
      `.layers/${layer?.digest.slice(7, 9)}/${layer?.digest.slice(7)}/.metadata/origin.json`,
    );
    assert.equal(JSON.parse(readFileSync(origin, 'utf8')).origin.length, 1);
  });

  it('the same image in every compression and flavour, as an index and by itself', async function () {
    const images = {
      gzip: await richImage(),
      plain: await richImage({ compression: 'plain' }),
      docker: await richImage({ flavour: 'docker' }),
      ...(canCompress('zstd') ? { zstd: await richImage({ compression: 'zstd' }) } : {}),
    };
    const amd64 = { os: 'linux', architecture: 'amd64' };
    const members = [
      { image: await smallImage('for arm'), platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
      { image: await smallImage('for windows'), platform: { ...amd64, os: 'windows' } },
      { image: images.gzip, platform: amd64 },
    ];
    const wishes = [
      ...Object.entries(images).map(([tag, image]) => registry.add('lab/forms', tag, image)),
      registry.add('lab/forms', 'index', imageIndex(members)),
      registry.add('lab/forms', 'list', imageIndex(members, 'docker')),
    ];
    const { status, stderr } = await site.convert(wishes);
    assert.equal(status, 0, stderr);
    const tree = async (tag: string) => await imageTree(site.path(`${registry.host}/lab/forms:${tag}`));
    const expected = await tree('gzip');
    assert.ok(expected.size > 80);
    for (const wish of wishes) {
      const tag = wish.slice(wish.lastIndexOf(':') + 1);
      assert.deepEqual(differences(await tree(tag), expected), [], tag);
    }
    const manifest = readFileSync(site.path(`.metadata/${registry.host}/lab/forms:index/manifest.json`));
    assert.ok(
      manifest.equals(images.gzip.manifest.bytes),
      'that of the platform, which the layers belong to',
    );
    needs(this, 'zstd');
  });

  it('an image of the real registry', async function () {
    needs(this, 'docker-registry', 'skopeo');
    const store = new ImageStore();
    store.add('lab/rich', await richImage(), '1.0');
    const folder = await temporaryDirectory('layout');
    await writeLayout(store, 'lab/rich', folder);
    const real = await startDockerRegistry();
    try {
      const target = `docker://${real.host}/lab/rich:1.0`;
      await command('skopeo', ['copy', '--dest-tls-verify=false', `oci:${folder}:1.0`, target]);
      const other = registry.add('lab/rich', '1.0', await richImage());
      const { status, stderr } = await site.convert([`http://${real.host}/lab/rich:1.*`, other]);
      assert.equal(status, 0, stderr);
      const [found, expected] = await Promise.all(
        [real.host, registry.host].map(async (host) => await imageTree(site.path(`${host}/lab/rich:1.0`))),
      );
      assert.ok(found !== undefined && expected !== undefined);
      assert.deepEqual(differences(found, expected), []);
    } finally {
      await real.close();
    }
  });

  it('platforms that are none: each is a failed line, and the images of the other lines are published', async () => {
    const wish = registry.add('lab/platforms', '1', await smallImage('here'));
    const recipe = site.recipe([wish]);
    appendFileSync(
      recipe,
      `  - image: '${registry.host}/lab/platforms:2'\n    platforms: [amd64]\nplatforms: [arm64]\n`,
    );
    const { status, stderr } = await run(['convert', recipe, ...site.options]);
    assert.equal(status, 1);
    const errors = stderr.split('\n').filter((line) => line.startsWith('error'));
    assert.deepEqual(
      errors.map((line) => line.split(': ')[0]),
      [`error[platform-invalid] ${registry.host}/lab/platforms:2`, 'error[platform-invalid] arm64'],
    );
    assert.deepEqual(published('lab/platforms'), { ':1': 'here' });
  });

  it('settings that are none, in version 2: each is a failed line, and the other images are published', async () => {
    const wish = registry.add('lab/settings', '1', await smallImage('here'));
    const recipe = join(site.folder, 'settings.yaml');
    const lines = [
      'version: 2',
      `repositories: [${REPOSITORY}]`,
      'defaults: {keep: 300}',
      'input:',
      `  - '${wish}'`,
      `  - {image: '${registry.host}/lab/settings:2', outputs: [chains]}`,
    ];
    writeFileSync(recipe, lines.join('\n'));
    const { status, stderr } = await run(['convert', recipe, ...site.options]);
    assert.equal(status, 1);
    const errors = stderr.split('\n').filter((line) => line.startsWith('error'));
    assert.deepEqual(
      errors.map((line) => line.split(': ')[0]),
      ['error[setting-invalid] 300', `error[setting-invalid] ${registry.host}/lab/settings:2`],
    );
    assert.deepEqual(published('lab/settings'), { ':1': 'here' });
  });

  it('convert-single-image: the same for one line', async () => {
    for (const tag of ['1', '2']) registry.add('lab/single', tag, await smallImage(tag));
    const words = [`http://${registry.host}/lab/single:*`, REPOSITORY, ...site.options];
    const { status, stdout } = await run(['convert-single-image', ...words]);
    assert.deepEqual([status, stdout.split('\n').length - 1], [0, 2]);
    assert.deepEqual(published('lab/single'), { ':1': '1', ':2': '2' });
  });

  it('download-manifest: the manifest, byte for byte', async () => {
    const image = await smallImage('manifest');
    const wish = registry.add('lab/manifest', '1', image);
    const { status, stdout, stderr } = await run(['download-manifest', wish]);
    assert.deepEqual([status, stdout, stderr], [0, image.manifest.bytes.toString(), '']);
  });

  it('nothing at all: that is done at once', async () => {
    const { status, stdout } = await site.convert([]);
    assert.deepEqual([status, stdout], [0, '']);
    assert.equal(lstatSync(site.root).isDirectory(), true);
  });
});
