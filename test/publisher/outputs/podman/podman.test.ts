import assert from 'node:assert/strict';
import type { ReadyImage } from '../../../../publisher/image/image.ts';
import type { OutputName, Outputs } from '../../../../core/outputs.ts';
import { layerRoot, platformName } from '../../../../publisher/image/layout.ts';
import { layerIds } from '../../../../publisher/outputs/podman/store.ts';
import { imageRecordPath } from '../../../../publisher/outputs/podman/image-record.ts';
import { hexOf, sha256 } from '../../../../core/oci/digest.ts';
import { parseConfig } from '../../../../core/oci/config.ts';
import { publishedState } from '../../../../publisher/outputs/outputs.ts';
import { pseudoRandom } from '../../../support/e2e/pseudo-random.ts';
import { directory, file } from '../../../support/images/layer-entry.ts';
import { layer, type Layer } from '../../../support/images/layer.ts';
import { EVERYTHING, Workshop, type Composed } from '../../compose/workshop.ts';

const OUTPUTS: Outputs = new Set(['layers', 'flat', 'podman']);
const STORE = 'podmanStore';
const CLIENT_ROOT = EVERYTHING.clientRoot;

interface Listed {
  readonly id: string;
  readonly digest: string;
  readonly names: readonly string[];
  readonly layer?: string;
  readonly 'big-data-names': readonly string[];
  readonly 'big-data-digests': Readonly<Record<string, string>>;
}

describe('publisher/outputs/podman/podman', () => {
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

  /** Everything that the lists of the store name is there, and the names of layers agree. */
  async function assertWhole(store = STORE): Promise<void> {
    const { repository } = workshop;
    const kindOf = async (path: string): Promise<string | undefined> =>
      await repository.kindOf(`${store}/${path}`);
    const textOf = (path: string): string => repository.textOf(`${store}/${path}`) ?? '';
    const listed = new Set(layers(store));
    const names = images(store).flatMap((one) => one.names);
    assert.equal(new Set(names).size, names.length);
    for (const { id, layer, ...image } of images(store)) {
      assert.ok(layer === undefined || listed.has(layer));
      for (const key of image['big-data-names']) {
        const file = key === 'manifest' ? key : `=${Buffer.from(key).toString('base64')}`;
        const bytes = Buffer.from(textOf(`overlay-images/${id}/${file}`), 'latin1');
        assert.equal(sha256(bytes), image['big-data-digests'][key], `${id} ${key}`);
      }
    }
    for (const id of listed) {
      const short = textOf(`overlay/${id}/link`);
      assert.equal(textOf(`overlay/l/${short}`), `../${id}/diff`);
      assert.equal(await kindOf(`overlay/${id}/diff`), 'symlink');
      for (const name of textOf(`overlay/${id}/lower`).split(':').filter(Boolean))
        assert.ok(listed.has(textOf(`overlay/${name}`).slice(3, -5)), `${id} is over ${name}`);
    }
  }

  /** All of the store's layers, as podman mounts them: what nothing may change under a client. */
  function mounts(store = STORE): string[] {
    return workshop.repository.linesBelow(`${store}/overlay`).filter((line) => !line.endsWith('/'));
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

  it('name the folders that another program made without catalogs, before they get some', async () => {
    await publish([image]);
    const folders = ['', '/overlay', '/overlay/l', '/overlay-images'].map((folder) => `${STORE}${folder}`);
    for (const folder of folders) workshop.repository.remove(`${folder}/.cvmfscatalog`);
    const { stream } = await publish([await workshop.image('quay.io/lab/more:1', [base])]);
    const paths = stream.entries.map(({ path }) => path);
    for (const folder of folders) {
      const [at, marker] = [paths.indexOf(folder), paths.indexOf(`${folder}/.cvmfscatalog`)];
      assert.ok(at !== -1 && at < marker, `${folder}: ${at}, ${marker}`);
    }
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

  it('keep what a tag meant before, found by its digest', async () => {
    await publish([image]);
    const [before] = images();
    const mounted = mounts();
    const other = await workshop.layer(file('other', 'other'));
    const { stream } = await publish([await workshop.image('quay.io/lab/tool:1', [base, other])]);
    assert.deepEqual(stream.publication.outdated, []);
    assert.ok(before !== undefined);
    assert.deepEqual(
      images().find(({ id }) => id === before.id),
      { ...before, names: [`quay.io/lab/tool@${before.digest}`] },
    );
    assert.deepEqual(images().find(({ id }) => id !== before.id)?.names, ['quay.io/lab/tool:1']);
    for (const line of mounted) assert.ok(mounts().includes(line), line);
    await assertWhole();
    await publish([image]);
    assert.deepEqual(
      images().find(({ id }) => id === before.id),
      before,
    );
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

  it('keep an image whose metadata somebody removed, by its digest alone', async () => {
    await publish([image, await workshop.image('quay.io/lab/base:1', [base])]);
    workshop.repository.remove('.metadata/quay.io/lab/tool:1');
    await publish([await workshop.image('quay.io/lab/top:1', [top])]);
    assert.deepEqual(
      images()
        .map(({ names }) => names.join())
        .sort(),
      ['quay.io/lab/base:1', `quay.io/lab/tool@${image.manifest.digest}`, 'quay.io/lab/top:1'],
    );
    await assertWhole();
  });

  it('keep an image that is published without this form from now on, by its digest alone', async () => {
    await publish([image]);
    await publish([image], { outputs: new Set<OutputName>(['layers', 'flat']) });
    assert.deepEqual(
      images().map(({ names }) => names),
      [[`quay.io/lab/tool@${image.manifest.digest}`]],
    );
    assert.equal(await workshop.repository.kindOf(imageRecordPath('quay.io/lab/tool:1')), undefined);
    await assertWhole();
  });

  it('have images of one config and several manifests once, whichever comes first, and keep what was there', async () => {
    const packed = await layer([directory('etc'), file('etc/base', 'base')], { compression: 'gzip' });
    assert.equal(packed.diffId, base.diffId);
    const names = ['quay.io/lab/tool:1', 'quay.io/lab/tool:1-packed'];
    for (const [first = '', second = ''] of [names, names.toReversed()]) {
      workshop = await Workshop.open();
      const one = await workshop.image(first, [base, top]);
      const other = await workshop.image(second, [packed, top]);
      assert.equal(one.manifest.config.digest, other.manifest.config.digest);
      await publish([one]);
      const mounted = mounts();
      await publish([other, await workshop.image('quay.io/lab/other:1', [top])]);
      await assertWhole();
      const both = images().find(({ id }) => id === hexOf(one.manifest.config.digest));
      assert.deepEqual(both?.names, names);
      assert.equal(both.digest, one.manifest.digest);
      assert.ok(both['big-data-names'].includes(`manifest-${other.manifest.digest}`));
      for (const line of mounted) assert.ok(mounts().includes(line), line);
      // The shorter name moves on, and comes back.
      await publish([await workshop.image(names[0] ?? '', [await workshop.layer(file('new', 'new'))])]);
      await assertWhole();
      await publish([first === names[0] ? one : other]);
      assert.deepEqual(
        images().find(({ id }) => id === both.id),
        both,
      );
      const { stream } = await publish([other, one], { convertAgain: true });
      assert.ok(stream.entries.some(({ path }) => path.startsWith(`${STORE}/overlay-images/${both.id}`)));
      await assertWhole();
    }
  });

  it('are not made for images that are not wanted in this form', async () => {
    const { stream } = await publish([image], { outputs: new Set<OutputName>(['layers', 'flat']) });
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

  it('are done without where something else stands in their place, until that has gone', async () => {
    await publish([image]);
    const before = workshop.repository.linesBelow(STORE);
    const other = await workshop.image('quay.io/lab/tool:1', [base, await workshop.layer(file('o', 'o'))]);
    workshop.repository.remove(`${STORE}/overlay-layers/layers.json`);
    workshop.repository.put(`${STORE}/overlay-layers/layers.json/x`, 'file', 'x');
    const { withoutPodman, outcomes } = await publish([other]);
    assert.deepEqual(outcomes, ['added']);
    assert.deepEqual([...withoutPodman], [['quay.io/lab/tool:1', 'repository-conflict']]);
    assert.equal(
      await workshop.repository.kindOf(layerRoot(other.manifest.layers[1]?.digest ?? base.digest)),
      'directory',
    );
    const is = workshop.repository
      .linesBelow(STORE)
      .filter((line) => !line.startsWith('overlay-layers/layers.json'));
    assert.deepEqual(
      is,
      before.filter((line) => !line.startsWith('overlay-layers/layers.json')),
    );
    assert.equal(
      await publishedState(workshop.repository, { ...other, outputs: OUTPUTS }),
      'absent-or-outdated',
    );
    workshop.repository.remove(`${STORE}/overlay-layers/layers.json`);
    assert.deepEqual([...(await publish([other])).withoutPodman], []);
    assert.equal(await publishedState(workshop.repository, { ...other, outputs: OUTPUTS }), 'current');
    await assertWhole();
  });

  it('take the others of a batch where they cannot take one image', async () => {
    const others = await Promise.all(
      ['a', 'b', 'c', 'd'].map(async (name) => await workshop.image(`quay.io/lab/${name}:1`, [base])),
    );
    const [, upper = ''] = layerIds([base.diffId, top.diffId]);
    workshop.repository.put(`${STORE}/overlay/${upper}`, 'file', 'x');
    const { withoutPodman } = await publish([...others.slice(0, 2), image, ...others.slice(2)]);
    assert.deepEqual([...withoutPodman], [['quay.io/lab/tool:1', 'repository-conflict']]);
    assert.deepEqual(
      images().flatMap(({ names }) => names),
      others.map(({ publicName }) => publicName),
    );
    await assertWhole();
  });

  it('are done without for any reason, a mistake too', async () => {
    const { repository } = workshop;
    const read = repository.read.bind(repository);
    repository.read = async (path) => {
      if (path === `${STORE}/.unpackd.json`) throw new TypeError('a mistake');
      return await read(path);
    };
    const { withoutPodman } = await publish([image]);
    assert.deepEqual([...withoutPodman], [['quay.io/lab/tool:1', 'bug']]);
    assert.equal(await repository.kindOf('quay.io/lab/tool:1'), 'symlink');
    assert.equal(await repository.kindOf(imageRecordPath('quay.io/lab/tool:1')), undefined);
  });

  it('do not have an image whose name is taken there, with a warning', async () => {
    const { warnings } = await publish([
      image,
      { ...(await workshop.image('quay.io/lab/tool:1', [top])), publicName: 'team/quay.io/lab/tool:1' },
    ]);
    assert.equal(warnings.length, 1);
    assert.match(
      warnings[0] ?? '',
      /^team\/quay\.io\/lab\/tool:1 is left out of the podman store: another image/,
    );
    await assertWhole();
  });

  it('take no books for their own that somebody else wrote', async () => {
    await publish([image]);
    const book = `${STORE}/overlay-images/images.json`;
    const altered = (workshop.repository.textOf(book) ?? '').replace('lab/tool', 'LAB/TOOL');
    workshop.repository.put(book, 'file', altered);
    await publish([await workshop.image('quay.io/lab/other:1', [top])]);
    assert.deepEqual(
      images()
        .flatMap(({ names }) => names)
        .sort(),
      ['quay.io/lab/other:1', 'quay.io/lab/tool:1'],
    );
    await assertWhole();
  });

  it('leave what another program has there where it is, listed no longer', async () => {
    const stranger = `${STORE}/overlay/${'f'.repeat(64)}/link`;
    workshop.repository.put(stranger, 'file', 'x');
    const { stream } = await publish([image]);
    assert.deepEqual(stream.publication.outdated, []);
    assert.equal(workshop.repository.textOf(stranger), 'x');
    await assertWhole();
  });

  it('never change what a client may have mounted, whatever is published', async () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = pseudoRandom(seed);
    const pick = <Item>(items: readonly Item[]): Item => {
      const item = items[Math.floor(random() * items.length)];
      assert.ok(item !== undefined);
      return item;
    };
    const all: Layer[] = [];
    for (let index = 0; index < 6; index++) {
      const entries = [file(`f${index}`, `${index}`)];
      all.push(await layer(entries, { compression: 'plain' }), await layer(entries, { compression: 'gzip' }));
    }
    try {
      for (let round = 0; round < 40; round++) {
        const before = mounts();
        const known = images().map(({ id }) => id);
        const batch: ReadyImage[] = [];
        for (let count = 0; count < 3; count++) {
          const layers = Array.from({ length: 1 + Math.floor(random() * 3) }, () => pick(all));
          const name = `quay.io/lab/image:${Math.floor(random() * 5)}`;
          if (!batch.some(({ publicName }) => publicName === name))
            batch.push(await workshop.image(name, layers));
        }
        if (random() < 0.2) workshop.repository.remove(`.metadata/quay.io/lab/image:${round % 5}`);
        await publish(batch, { convertAgain: random() < 0.2 });
        await assertWhole();
        const now = new Set(mounts());
        for (const line of before) assert.ok(now.has(line), line);
        for (const id of known)
          assert.ok(
            images().some((one) => one.id === id),
            id,
          );
        for (const { publicName } of batch)
          assert.ok(images().some(({ names }) => names.includes(publicName)));
      }
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  });
});
