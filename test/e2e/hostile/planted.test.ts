import assert from 'node:assert/strict';
import { cpSync, lstatSync, mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { layerRoot } from '../../../publisher/image/layout.ts';
import { TestRegistry } from '../../support/e2e/registry.ts';
import { Site } from '../../support/e2e/site.ts';
import { image, type Image } from '../../support/images/image.ts';
import { directory, file } from '../../support/images/layer-entry.ts';
import { layer } from '../../support/images/layer.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { differences, snapshot } from '../../support/trees/snapshot.ts';

describe('e2e/hostile/planted', () => {
  let registry: TestRegistry;
  let first: Image;
  let second: Image;
  before(async () => {
    registry = await TestRegistry.start();
    const base = await layer([directory('etc'), file('etc/passwd', 'of the image'), file('a', 'x')]);
    first = image({ layers: [base] });
    second = image({ layers: [base, await layer([directory('etc'), file('etc/new', 'x')])] });
  });
  after(async () => {
    await registry.close();
  });

  const places: Readonly<Record<string, () => string>> = {
    'the folder of all layers': () => '.layers',
    'the folder of a layer': () => layerRoot(first.layers[0]?.digest ?? 'sha256:').replace(/\/[^/]*$/, ''),
    'the tree of a layer': () => layerRoot(first.layers[0]?.digest ?? 'sha256:'),
    'a folder in a layer': () => `${layerRoot(first.layers[0]?.digest ?? 'sha256:')}/etc`,
    'the folder of all flat trees': () => '.flat',
    'the folder of all chains': () => '.chains',
    'the folder of manifests': () => '.metadata',
    'the folder of records': () => '.unpackd',
    'the folder of a registry': () => registry.host,
    'the podman store': () => 'podmanStore',
  };
  for (const [what, place] of Object.entries(places)) {
    for (const words of [[], ['--convert-again', '--overwrite-layers']]) {
      it(`goes through none in the place of ${what} ${words.join(' ')}`.trim(), async () => {
        const site = await Site.make('directory');
        const one = registry.add('lab/planted', '1', first);
        assert.equal((await site.convertHere([one], ['--chains'])).status, 0);
        const host = join(await temporaryDirectory('host'), 'copy');
        const at = site.path(place());
        cpSync(at, host, { recursive: true, verbatimSymlinks: true });
        mkdirSync(join(host, 'more'));
        writeFileSync(join(host, 'more/file'), 'of the host');
        renameSync(at, join(site.folder, 'moved'));
        symlinkSync(host, at);
        const before = await snapshot(host, { directoryTimes: true });

        const { status, stderr } = await site.convertHere(
          [registry.add('lab/planted', '2', second)],
          ['--chains', ...words],
        );
        if (what === 'the podman store') {
          // That an image is not in it keeps nobody from the image.
          assert.equal(status, 0, stderr);
          assert.match(stderr, /^warning: .* without its output podman .* symlink at podmanStore/m);
        } else {
          assert.notEqual(status, 0, stderr);
          assert.match(stderr, /^error\[repository-(?:conflict|unusable)\] /m);
        }
        assert.deepEqual(differences(await snapshot(host, { directoryTimes: true }), before), []);
        for (const name of readdirSync(host, { recursive: true, encoding: 'utf8' })) {
          const found = lstatSync(join(host, name));
          if (found.isFile()) assert.equal(found.nlink, 1, name);
        }
        assert.equal(lstatSync(at).isSymbolicLink(), true);
      });
    }
  }
});
