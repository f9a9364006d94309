import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { lstatSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { layerPath, layerRoot } from '../../publisher/image/layout.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { BACKENDS, REPOSITORY, Site } from '../support/e2e/site.ts';
import type { OutcomeHere } from '../support/e2e/unpackd.ts';
import { image } from '../support/images/image.ts';
import { describeWith } from '../support/programs.ts';
import { directory, file, type LayerEntry } from '../support/images/layer-entry.ts';
import { layer, type Layer } from '../support/images/layer.ts';

const SAME = ['usr/bin/tool', 'usr/lib/library', 'usr/share/text'];
/** So much that the second night's layer is worth a pack. */
const NOISE = randomBytes(20_000).toString('hex');

const contentOf = (path: string): string => `content of ${path}${path === 'usr/lib/library' ? NOISE : ''}`;

for (const kind of BACKENDS) {
  // The double of cvmfs_server keeps owners as root alone.
  describeWith(kind === 'cvmfs' ? ['root'] : [], `e2e/rebuild: a rebuilt image, on ${kind}`, () => {
    let site: Site;
    let registry: TestRegistry;
    let first: Layer;
    let second: Layer;

    beforeEach(async () => {
      site = await Site.make(kind);
      registry = await TestRegistry.start();
      first = await push('1', file('etc/night', 'first'));
      await convert('1');
      second = await push('2', file('etc/night', 'second'));
      await convert('2');
    });
    afterEach(async () => {
      await registry.close();
      await site.close();
    });

    async function push(tag: string, ...own: readonly LayerEntry[]): Promise<Layer> {
      const folders = ['etc', 'usr', 'usr/bin', 'usr/lib', 'usr/share'].map((path) => directory(path));
      const pushed = await layer([...folders, ...SAME.map((path) => file(path, contentOf(path))), ...own]);
      registry.add('lab/nightly', tag, image({ layers: [pushed] }));
      return pushed;
    }

    const name = (tag: string): string => `http://${registry.host}/lab/nightly:${tag}`;

    async function convert(tag: string): Promise<OutcomeHere> {
      const outcome = await site.convertHere([name(tag)]);
      assert.equal(outcome.status, 0, outcome.stderr);
      return outcome;
    }

    async function command(...words: readonly string[]): Promise<OutcomeHere> {
      const outcome = await site.commandHere(words);
      assert.equal(outcome.status, 0, `${words.join(' ')}: ${outcome.stderr}${outcome.stdout}`);
      return outcome;
    }

    function assertWhole(tag: string, night: string): void {
      const text = (path: string): string =>
        readFileSync(site.path(join(registry.host, `lab/nightly:${tag}`, path)), 'utf8');
      for (const path of SAME) assert.equal(text(path), contentOf(path));
      assert.equal(text('etc/night'), night);
      assert.deepEqual(site.fixture?.problems(REPOSITORY) ?? [], []);
    }

    const inode = ({ digest }: Layer, path: string): number =>
      lstatSync(site.path(`${layerRoot(digest)}/${path}`)).ino;

    it('brings what changed alone, and both nights are whole', async () => {
      assertWhole('1', 'first');
      assertWhole('2', 'second');
      if (kind === 'directory')
        for (const path of SAME) assert.equal(inode(first, path), inode(second, path));
      assert.notEqual(inode(first, 'etc/night'), inode(second, 'etc/night'));
      assert.match((await command('verify', REPOSITORY, '--deep')).stdout, /sound/);
    });

    it('keeps the second night whole when the first is taken back and collected, and the third links to it', async () => {
      await command('remove', name('1'));
      await command('gc', REPOSITORY, '--grace-period', '0');
      await command('gc', REPOSITORY, '--grace-period', '0');
      assert.throws(() => lstatSync(site.path(layerPath(first.digest))), /ENOENT/);
      assertWhole('2', 'second');
      assert.match((await command('verify', REPOSITORY, '--deep')).stdout, /sound/);
      const third = await push('3', file('etc/night', 'third'));
      await convert('3');
      assertWhole('3', 'third');
      if (kind === 'directory')
        for (const path of SAME) assert.equal(inode(second, path), inode(third, path));
    });

    it('repairs a file that all nights share, in each of them', async () => {
      for (const { digest } of [first, second]) rmSync(site.path(`${layerRoot(digest)}/usr/bin/tool`));
      await site.commandHere(['verify', REPOSITORY, '--repair']);
      assert.match((await command('verify', REPOSITORY, '--deep')).stdout, /sound/);
      assertWhole('1', 'first');
      assertWhole('2', 'second');
    });

    it('publishes it whole where the state was lost, or what a layer shares is not known', async () => {
      for (const lost of ['listings', '']) {
        rmSync(join(site.state, lost), { recursive: true });
        const tag = lost === '' ? '5' : '4';
        await push(tag, file('etc/night', tag));
        await convert(tag);
        assertWhole(tag, tag);
      }
    });
  });
}
