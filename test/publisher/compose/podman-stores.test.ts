import assert from 'node:assert/strict';
import type { Outputs, ReadyImage } from '../../../publisher/image.ts';
import { layerRoot, platformName } from '../../../publisher/layout.ts';
import { layerIds } from '../../../publisher/podman-store/layer-ids.ts';
import { imageRecordPath } from '../../../publisher/podman-store/published-images.ts';
import { hexOf } from '../../../publisher/registry/digest.ts';
import { parseConfig } from '../../../publisher/registry/manifest/config.ts';
import { sha256 } from '../../../publisher/registry/manifest/verify.ts';
import { directory, file } from '../../support/images/layer-entry.ts';
import type { Layer } from '../../support/images/layer.ts';
import { EVERYTHING, Workshop, type Composed } from './workshop.ts';

const OUTPUTS: Outputs = { layers: true, chains: false, flat: true, podman: true };
const STORE = 'podmanStore';
const CLIENT_ROOT = EVERYTHING.clientRoot;

type Listed = { readonly id: string; readonly names: readonly string[]; readonly layer?: string };

describe('compose/podman-stores', () => {
  let workshop: Workshop;
  let base: Layer;
  let top: Layer;
  let image: ReadyImage;

  beforeEach(async () => {
    workshop = await Workshop.open();
    base = await workshop.layer(directory('etc'), file('etc/base', 'base'));
    top = await workshop.layer(directory('etc'), file('etc/top', 'top'));
    image = await workshop.image('quay.io/lab/tool:1', [base, top]);
  });

  async function publish(
    images: readonly ReadyImage[],
    more: Partial<Parameters<Workshop['publish']>[1]> = {},
  ): Promise<Composed> {
    return await workshop.publish(images, { outputs: OUTPUTS, ...more });
  }

  function images(store = STORE): Listed[] {
    const text = workshop.repository.textOf(`${store}/overlay-images/images.json`);
    return text === undefined ? [] : (JSON.parse(text) as Listed[]);
  }

  function layers(store = STORE): string[] {
    const text = workshop.repository.textOf(`${store}/overlay-layers/layers.json`) ?? '[]';
    return (JSON.parse(text) as { id: string }[]).map(({ id }) => id);
  }

  /** Everything in the store that its lists do not name, and everything that they name and is not there. */
  async function assertWhole(store = STORE): Promise<void> {
    const { repository } = workshop;
    const folders = async (path: string, pattern: RegExp): Promise<string[]> =>
      (await repository.list(`${store}/${path}`))
        .map(({ name }) => name)
        .filter((name) => pattern.test(name));
    assert.deepEqual((await folders('overlay', /^[0-9a-f]{64}$/)).sort(), layers(store).sort());
    assert.deepEqual(
      (await folders('overlay-images', /^[0-9a-f]{64}$/)).sort(),
      images(store)
        .map(({ id }) => id)
        .sort(),
    );
    const shorts = await folders('overlay/l', /^[^.]/);
    assert.equal(shorts.length, layers(store).length);
    for (const short of shorts) {
      const target = repository.textOf(`${store}/overlay/l/${short}`) ?? '';
      assert.equal(repository.textOf(`${store}/overlay/${target.slice(3, -5)}/link`), short);
    }
    for (const id of layers(store)) {
      for (const name of (repository.textOf(`${store}/overlay/${id}/lower`) ?? '').split(':').filter(Boolean))
        assert.ok(shorts.includes(name.slice(2)), `${id} is over ${name}, which is not there`);
    }
  }

  function codeOf(layer: Layer): string {
    return `${CLIENT_ROOT}/${layerRoot(layer.digest)}`;
  }

  it('have the image, its layers as links to where clients see them, and its documents', async () => {
    await publish([image]);
    const [lower = '', upper = ''] = layerIds([base.diffId, top.diffId]);
    const { repository } = workshop;
    assert.deepEqual(images(), [{ ...images()[0], names: ['quay.io/lab/tool:1'], layer: upper }]);
    assert.equal(repository.textOf(`${STORE}/overlay/${upper}/diff`), codeOf(top));
    assert.equal(repository.textOf(`${STORE}/overlay/${lower}/diff`), codeOf(base));
    const short = repository.textOf(`${STORE}/overlay/${lower}/link`) ?? '';
    assert.equal(repository.textOf(`${STORE}/overlay/${upper}/lower`), `l/${short}`);
    assert.equal(await repository.kindOf(`${STORE}/overlay/${lower}/lower`), undefined);
    assert.equal(await repository.kindOf(`${STORE}/overlay/${lower}/empty`), 'directory');
    const id = hexOf(image.manifest.config.digest);
    const key = Buffer.from(`sha256:${id}`).toString('base64');
    assert.equal(
      repository.textOf(`${STORE}/overlay-images/${id}/=${key}`),
      image.config.bytes.toString('latin1'),
    );
    assert.equal(
      repository.textOf(`${STORE}/overlay-images/${id}/manifest`),
      image.manifest.bytes.toString('latin1'),
    );
    await assertWhole();
  });

  it('are divided into nested catalogs', async () => {
    await publish([image]);
    for (const folder of ['', '/overlay', '/overlay/l', '/overlay-images'])
      assert.equal(workshop.repository.textOf(`${STORE}${folder}/.cvmfscatalog`), '', folder);
  });

  it('become visible with the names, and not before', async () => {
    const { stream } = await publish([image]);
    const early = stream.entries.filter(({ isName, path }) => !isName && path.startsWith(STORE));
    assert.ok(early.length > 10);
    assert.ok(!early.some(({ path }) => /\.(?:json|lock)$/.test(path)));
    const late = stream.entries.filter(({ isName, path }) => isName && path.startsWith(STORE));
    assert.deepEqual(
      late.map(({ path }) => path.slice(STORE.length + 1)),
      [
        'overlay-layers',
        'overlay-layers/layers.json',
        'overlay-layers/layers.lock',
        'overlay-images/images.json',
        'overlay-images/images.lock',
        '.unpackd.json',
      ],
    );
  });

  it('bring only what is new for a further image', async () => {
    await publish([image]);
    const more = await workshop.layer(file('more', 'more'));
    const { stream } = await publish([await workshop.image('quay.io/lab/more:1', [base, top, more])]);
    const brought = stream.entries.filter(
      ({ path, kind }) => kind === 'directory' && /overlay\/[0-9a-f]{64}$/.test(path),
    );
    assert.equal(brought.length, 1);
    assert.equal(images().length, 2);
    await assertWhole();
  });

  it('have nothing new where the same is published again', async () => {
    await publish([image]);
    const before = workshop.repository.linesBelow(STORE);
    const { stream } = await publish([image]);
    assert.deepEqual(
      stream.entries.filter(({ path }) => path.startsWith(STORE)),
      [],
    );
    assert.deepEqual(workshop.repository.linesBelow(STORE), before);
  });

  it('give an image further names', async () => {
    await publish([image]);
    await publish([await workshop.image('quay.io/lab/tool:latest', [base, top])]);
    assert.deepEqual(
      images().map(({ names }) => names),
      [['quay.io/lab/tool:1', 'quay.io/lab/tool:latest']],
    );
    await assertWhole();
  });

  it('have no trace of what a tag meant before', async () => {
    await publish([image]);
    const other = await workshop.layer(file('other', 'other'));
    const { stream } = await publish([await workshop.image('quay.io/lab/tool:1', [base, other])]);
    assert.deepEqual(stream.publication.outdated.filter((path) => path.startsWith(STORE)).length, 3);
    assert.equal(images().length, 1);
    assert.deepEqual(layers().sort(), layerIds([base.diffId, other.diffId]).sort());
    await assertWhole();
  });

  it('keep what a tag meant before while another tag means it', async () => {
    await publish([image, await workshop.image('quay.io/lab/tool:latest', [base, top])]);
    const other = await workshop.layer(file('other', 'other'));
    await publish([await workshop.image('quay.io/lab/tool:latest', [base, other])]);
    assert.deepEqual(
      images()
        .map(({ names }) => names.join())
        .sort(),
      ['quay.io/lab/tool:1', 'quay.io/lab/tool:latest'],
    );
    await assertWhole();
  });

  it('have no trace of an image whose metadata somebody removed', async () => {
    await publish([image, await workshop.image('quay.io/lab/base:1', [base])]);
    workshop.repository.remove('.metadata/quay.io/lab/tool:1');
    await publish([await workshop.image('quay.io/lab/top:1', [top])]);
    assert.deepEqual(
      images()
        .map(({ names }) => names.join())
        .sort(),
      ['quay.io/lab/base:1', 'quay.io/lab/top:1'],
    );
    await assertWhole();
  });

  it('lose an image that is published without this form from now on', async () => {
    await publish([image]);
    await publish([image], { outputs: { ...OUTPUTS, podman: false } });
    assert.deepEqual(images(), []);
    assert.equal(await workshop.repository.kindOf(imageRecordPath('quay.io/lab/tool:1')), undefined);
    await assertWhole();
  });

  it('are not made for images that are not wanted in this form', async () => {
    const { stream } = await publish([image], { outputs: { ...OUTPUTS, podman: false } });
    assert.ok(!stream.entries.some(({ path }) => path.startsWith(STORE)));
  });

  it('are made anew for other clients', async () => {
    await publish([image]);
    const [upper = ''] = layers().slice(-1);
    await publish([image], { clientRoot: '/mnt/elsewhere' });
    assert.equal(
      workshop.repository.textOf(`${STORE}/overlay/${upper}/diff`),
      `/mnt/elsewhere/${layerRoot(top.digest)}`,
    );
    await assertWhole();
  });

  it('take the place of a store that somebody else made', async () => {
    const { repository } = workshop;
    const [lower = ''] = layerIds([base.diffId]);
    const foreign = 'f'.repeat(64);
    for (const id of [lower, foreign]) {
      repository.put(`${STORE}/overlay/${id}/diff`, 'symlink', '/elsewhere');
      repository.put(`${STORE}/overlay/${id}/link`, 'file', `SHORT${id.slice(0, 20)}`);
      repository.put(`${STORE}/overlay/${id}/lower`, 'file', 'l/SOMETHING');
      repository.put(`${STORE}/overlay/l/SHORT${id.slice(0, 20)}`, 'symlink', `../${id}/diff`);
    }
    repository.put(`${STORE}/overlay-images/images.json`, 'file', '[{"id":"x"}]');
    repository.put(`${STORE}/overlay-images/images.lock`, 'file', '');
    repository.put(`${STORE}/overlay-images/${foreign}/manifest`, 'file', '{}');
    await publish([image]);
    assert.equal(repository.textOf(`${STORE}/overlay/${lower}/diff`), codeOf(base));
    assert.equal(await repository.kindOf(`${STORE}/overlay/${lower}/lower`), undefined);
    await assertWhole();
  });

  it('bring back what somebody took away, when the image is published again', async () => {
    await publish([image]);
    const before = workshop.repository.linesBelow(STORE);
    const [, upper = ''] = layerIds([base.diffId, top.diffId]);
    for (const path of [`overlay/${upper}`, 'overlay-images/images.json'])
      workshop.repository.remove(`${STORE}/${path}`);
    await publish([image]);
    assert.deepEqual(workshop.repository.linesBelow(STORE), before);
    workshop.repository.remove(`${STORE}/overlay/${upper}/link`);
    await publish([image], { convertAgain: true });
    assert.deepEqual(workshop.repository.linesBelow(STORE), before);
  });

  it('leave out an image of which something is lost, until it is published again', async () => {
    const other = await workshop.image('quay.io/lab/other:1', [base]);
    await publish([image, other]);
    workshop.repository.remove(`${STORE}/overlay-images/${hexOf(image.manifest.config.digest)}`);
    const { warnings } = await publish([other], { convertAgain: true });
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /^quay\.io\/lab\/tool:1 is left out of the podman store/);
    assert.deepEqual(
      images().map(({ names }) => names.join()),
      ['quay.io/lab/other:1'],
    );
    assert.equal(await workshop.repository.kindOf(imageRecordPath('quay.io/lab/tool:1')), undefined);
    await assertWhole();
    await publish([image]);
    assert.equal(images().length, 2);
    await assertWhole();
  });

  it('find manifests again that only the metadata has', async () => {
    await publish([image]);
    workshop.repository.remove(`${STORE}/.unpackd.json`);
    workshop.repository.remove(`${STORE}/overlay-images/${hexOf(image.manifest.config.digest)}/manifest`);
    await publish([await workshop.image('quay.io/lab/other:1', [base])]);
    assert.equal(images().length, 2);
    assert.equal(
      workshop.repository.textOf(`${STORE}/overlay-images/${hexOf(image.manifest.config.digest)}/manifest`),
      image.manifest.bytes.toString('latin1'),
    );
  });

  it('leave out an image that podman could not read, with a warning, and the others stay', async () => {
    const command = { config: { Cmd: 'sh' } } as object;
    const bytes = Buffer.from(JSON.stringify({ ...JSON.parse(image.config.bytes.toString()), ...command }));
    const config = parseConfig(bytes, image.manifest.layers.length, image.publicName);
    const bad: ReadyImage = { ...image, config };
    const { warnings } = await publish([bad, await workshop.image('quay.io/lab/other:1', [base])]);
    assert.deepEqual(warnings, [
      'it is left out of the podman store: podman cannot read its config: config.Cmd is no list',
    ]);
    assert.deepEqual(
      images().map(({ names }) => names.join()),
      ['quay.io/lab/other:1'],
    );
    assert.match(
      workshop.repository.textOf(imageRecordPath('quay.io/lab/tool:1')) ?? '',
      /"refused":"podman cannot/,
    );
  });

  it('leave out an image without some of its layers, and one whose registry podman cannot name', async () => {
    const skipped: ReadyImage = { ...image, manifest: { ...image.manifest, skipped: [0] } };
    const address = await workshop.image('[::1]:5000/lab/tool:1', [base]);
    const { warnings } = await publish([skipped, address]);
    assert.deepEqual(warnings, [
      'it is left out of the podman store: some of its layers are left out',
      'it is left out of the podman store: podman cannot read the name [::1]:5000/lab/tool:1',
    ]);
    assert.deepEqual(images(), []);
  });

  it('are one for each platform', async () => {
    const arm = { os: 'linux', architecture: 'arm', variant: 'v7' };
    const publicName = platformName(arm, image.publicName);
    await publish([image, { ...image, platform: arm, publicName }]);
    for (const store of [STORE, '.multiarch/arm-v7/podmanStore']) {
      assert.deepEqual(
        images(store).map(({ names }) => names),
        [['quay.io/lab/tool:1']],
      );
      await assertWhole(store);
    }
  });

  it('have an image by the digest of its index too', async () => {
    const bytes = Buffer.from('{"schemaVersion":2,"manifests":[]}');
    const index = { bytes, digest: sha256(bytes) };
    await publish([{ ...image, manifest: { ...image.manifest, index } }]);
    const key = Buffer.from(`manifest-${index.digest}`).toString('base64');
    const id = hexOf(image.manifest.config.digest);
    assert.equal(workshop.repository.textOf(`${STORE}/overlay-images/${id}/=${key}`), bytes.toString());
  });

  it('are a conflict where something else stands in their place', async () => {
    workshop.repository.put(`${STORE}/overlay`, 'file', 'x');
    await assert.rejects(publish([image]), { code: 'repository-conflict' });
  });

  it('make other images only wait for theirs: what goes is bounded', async () => {
    for (let index = 0; index < 450; index++)
      workshop.repository.put(`${STORE}/overlay/${index.toString(16).padStart(64, '0')}/link`, 'file', 'x');
    const { stream } = await publish([image]);
    assert.equal(stream.publication.outdated.length, 400);
    const again = await publish([await workshop.image('quay.io/lab/other:1', [base])]);
    assert.equal(again.stream.publication.outdated.length, 50);
    await assertWhole();
  });
});
