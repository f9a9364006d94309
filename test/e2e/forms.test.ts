import assert from 'node:assert/strict';
import { lstatSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { chainIds, chainPath, flatPath, layerPath, layerRoot } from '../../publisher/image/layout.ts';
import { hexOf } from '../../core/oci/digest.ts';
import { getAttribute, listAttributes, storesAttributes } from '../support/cvmfs-server/system.ts';
import { CAPABILITY, richImage } from '../support/e2e/images.ts';
import { withMount } from '../support/e2e/mounts.ts';
import { imageTree, unpackedByUmoci } from '../support/e2e/reference.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { BACKENDS, Site } from '../support/e2e/site.ts';
import type { Outcome } from '../support/e2e/unpackd.ts';
import type { Image } from '../support/images/image.ts';
import { needs, needsRoot, skip } from '../support/programs.ts';
import { temporaryDirectory } from '../support/setup.ts';
import { differences, snapshot } from '../support/trees/snapshot.ts';

const NAME = 'lab/team/rich';

for (const kind of BACKENDS) {
  describe(`e2e/forms: unpackd convert, backend ${kind}: what is published of an image`, () => {
    let registry: TestRegistry;
    let site: Site;
    let image: Image;
    let wish: string;
    let outcome: Outcome;

    before(async () => {
      registry = await TestRegistry.start();
      site = await Site.make(kind);
      image = await richImage();
      wish = registry.add(NAME, '1.0', image);
      outcome = await site.convert([wish], ['--chains']);
    });
    after(async () => {
      await registry.close();
      await site.close();
    });

    const digests = () => image.layers.map(({ digest }) => digest);
    const publicName = (): string => `${registry.host}/${NAME}:1.0`;
    const flat = (): string => site.path(flatPath(configOf(image)));

    it('is told on standard output, and the way there on standard error', () => {
      assert.equal(
        outcome.stdout,
        `published ${publicName()} ${join(site.root, 'images.unpackd.test', publicName())}\n`,
      );
      assert.match(outcome.stderr, /^publication done: 3 new layers/m);
      const warnings = outcome.stderr.match(/^(?:warning|error).*$/gm);
      assert.deepEqual(warnings, [
        `warning: ${publicName()}: overlay mounts of .layers (podman, containerd) show 1 path other than the image has them (opt/linked-across)`,
      ]);
      assert.equal(outcome.status, 0);
    });

    it('is the same root file system as umoci unpacks', async function () {
      needsRoot(this);
      needs(this, 'umoci');
      const expected = await imageTree(await unpackedByUmoci(image));
      assert.deepEqual(differences(await imageTree(flat()), expected), []);
    });

    it('are layers that an overlay mount merges into that file system, but for a link from one to another', async function () {
      needsRoot(this);
      needs(this, 'umoci');
      const folder = await temporaryDirectory('overlay');
      const lower = digests()
        .map((layer) => site.path(layerRoot(layer)))
        .toReversed();
      const options = `ro,lowerdir=${lower.join(':')}`;
      const expected = await snapshot(await unpackedByUmoci(image));
      await withMount(this, folder, { type: 'overlay', options }, async () => {
        const ignore = (path: string): boolean => path === '.cvmfscatalog';
        const found = differences(await snapshot(folder, { ignore }), expected);
        assert.match(found.join('\n'), /^"opt\/linked-across": nothing, expected file .*$/);
      });
    });

    it('are chains that hold it up to each layer', async function () {
      needsRoot(this);
      needs(this, 'umoci');
      for (const [index, chain] of chainIds(digests()).entries()) {
        const lower = await richImage({ layers: index + 1 });
        const expected = await snapshot(await unpackedByUmoci(lower));
        const ignore = (path: string): boolean => path === '.cvmfscatalog';
        assert.deepEqual(differences(await snapshot(site.path(chainPath(chain)), { ignore }), expected), []);
      }
    });

    it('has its extended attributes', function () {
      needsRoot(this);
      if (!storesAttributes(Buffer.from(site.root))) skip(this, 'on a file system without attributes');
      const [base, second] = digests();
      assert.ok(base !== undefined && second !== undefined);
      for (const root of [flat(), site.path(layerRoot(base))]) {
        const found = getAttribute(Buffer.from(`${root}/usr/bin/ping`), 'security.capability');
        assert.deepEqual(found, CAPABILITY);
      }
      const opaque = Buffer.from(`${site.path(layerRoot(second))}/opt/data/sub`);
      assert.deepEqual(listAttributes(opaque).sort(), ['trusted.overlay.opaque', 'user.overlay.opaque']);
      for (const name of listAttributes(opaque)) assert.equal(getAttribute(opaque, name).toString(), 'y');
      assert.deepEqual(listAttributes(Buffer.from(`${flat()}/opt/data/sub`)), []);
    });

    it('has what apptainer needs to start it', () => {
      for (const name of ['runscript', 'startscript', 'actions/run', 'actions/exec', 'actions/shell'])
        assert.equal(lstatSync(join(flat(), '.singularity.d', name)).mode & 0o111, 0o111, name);
      assert.match(readFileSync(join(flat(), '.singularity.d/runscript'), 'utf8'), /\/usr\/bin\/tool/);
      for (const folder of ['dev', 'proc', 'sys', 'tmp', 'var/tmp', 'root', 'home'])
        assert.equal(lstatSync(join(flat(), folder)).isDirectory(), true, folder);
    });

    it('has its manifest, byte for byte', () => {
      const published = readFileSync(site.path(`.metadata/${publicName()}/manifest.json`));
      assert.ok(published.equals(image.manifest.bytes));
    });

    it('has the records of its layers', () => {
      for (const layer of image.layers) {
        const folder = site.path(`${layerPath(layer.digest)}/.metadata`);
        const [record, ...others] = JSON.parse(readFileSync(join(folder, 'layers.json'), 'utf8'));
        const { 'diff-size': diffSize, ...fields } = record;
        assert.deepEqual(others, []);
        assert.deepEqual(fields, {
          id: hexOf(layer.diffId),
          created: '1970-01-01T00:00:00Z',
          'compressed-diff-digest': layer.digest,
          'compressed-size': layer.size,
          'diff-digest': layer.diffId,
        });
        assert.ok(Number.isInteger(diffSize) && diffSize % 512 === 0 && diffSize > 0);
        assert.deepEqual(JSON.parse(readFileSync(join(folder, 'origin.json'), 'utf8')), {
          origin: [configOf(image)],
        });
      }
    });

    it('has a public name that leads to it by a relative link', () => {
      const name = site.path(publicName());
      const target = readlinkSync(name);
      assert.equal(target, `../../../${flatPath(configOf(image))}`);
      assert.equal(realpathSync(join(dirname(name), target)), realpathSync(flat()));
    });

    it('begins a catalog of its own for each tree', () => {
      const trees = [
        flatPath(configOf(image)),
        ...digests().map(layerPath),
        ...chainIds(digests()).map(chainPath),
      ];
      for (const tree of trees) {
        const marker = lstatSync(site.path(`${tree}/.cvmfscatalog`));
        assert.deepEqual([marker.isFile(), marker.size], [true, 0], tree);
      }
    });

    if (kind === 'directory') {
      it('takes the space of its layers: everything else are further names of their files', () => {
        const [base] = digests();
        const top = chainIds(digests()).at(-1);
        assert.ok(base !== undefined && top !== undefined);
        const trees = [site.path(layerRoot(base)), site.path(chainPath(top)), flat()];
        for (const file of [
          'usr/bin/tool',
          'usr/bin/tool-linked',
          'usr/lib/large',
          'etc/shadow',
          'opt/linked-across',
        ]) {
          const inodes = trees
            .filter((tree) => file !== 'opt/linked-across' || tree !== trees[0])
            .map((tree) => lstatSync(join(tree, file)).ino);
          assert.equal(new Set(inodes).size, 1, file);
        }
        const inLayer = lstatSync(join(site.path(layerRoot(base)), 'usr/bin/tool')).ino;
        assert.equal(lstatSync(join(flat(), 'usr/bin/tool-linked-again')).ino, inLayer);
      });
    } else {
      it('took one ingestion, and one union transaction for the attributes and the names', () => {
        const calls = site.fixture?.calls().map(({ command }) => command);
        assert.deepEqual(calls, ['ingest', 'transaction', 'publish']);
      });
    }

    it('is left alone by a second run, which asks for no blob', async () => {
      registry.requests();
      const before = await snapshot(site.published, { directoryTimes: true });
      const again = await site.convert([wish]);
      assert.deepEqual([again.status, again.stdout.split(' ')[0]], [0, 'unchanged']);
      assert.deepEqual(registry.blobRequests(), []);
      assert.deepEqual(await snapshot(site.published, { directoryTimes: true }), before);
      assert.equal(site.fixture?.publications('images.unpackd.test') ?? 2, 2);
    });
  });
}

function configOf(image: Image) {
  const config = image.blobs.find((blob) => !image.layers.some((layer) => layer.digest === blob.digest));
  assert.ok(config !== undefined);
  return config.digest;
}
