import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { layerRoot } from '../../publisher/image/layout.ts';
import { askActivity } from '../../daemon/service/control.ts';
import { faults } from '../support/cvmfs-server/fixture.ts';
import { withMount } from '../support/e2e/mounts.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { REPOSITORY, Site } from '../support/e2e/site.ts';
import { MAIN, Running, environmentOf } from '../support/e2e/unpackd.ts';
import { image, type Image } from '../support/images/image.ts';
import { directory, file } from '../support/images/layer-entry.ts';
import { layer } from '../support/images/layer.ts';
import { needs } from '../support/programs.ts';

interface Report {
  readonly images: readonly {
    readonly image: string;
    readonly outcome: string;
    readonly code?: string;
    readonly message?: string;
  }[];
}

/** Nothing that could be compressed. */
async function noiseImage(seed: string, bytes: number): Promise<Image> {
  const noise = createHash('shake256', { outputLength: bytes }).update(seed).digest();
  return image({ layers: [await layer([file('noise', noise)])] });
}

describe('e2e/one-to-blame', () => {
  let registry: TestRegistry;
  let bad: string;
  let goods: string[];

  before(async () => {
    registry = await TestRegistry.start();
    goods = await Promise.all(
      ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map(async (name) =>
        registry.add('lab/good', name, await noiseImage(name, 40_000)),
      ),
    );
  });
  after(async () => registry.close());

  function nameOf(wish: string): string {
    return wish.replace('http://', '');
  }

  /** All are published but the bad one, for which `code` is the reason. */
  function assertOneFails(
    outcome: { status: number | undefined; stdout: string; stderr: string },
    site: Site,
    code: string,
  ): string {
    assert.equal(outcome.status, 1, outcome.stderr);
    const { images }: Report = JSON.parse(outcome.stdout);
    const ends = new Map(images.map((one) => [one.image, one.code ?? one.outcome]));
    assert.deepEqual(
      ends,
      new Map([bad, ...goods].map((wish) => [nameOf(wish), wish === bad ? code : 'published'])),
    );
    for (const good of goods) assert.ok(existsSync(site.path(nameOf(good))), good);
    assert.equal(existsSync(site.path(nameOf(bad))), false);
    return images.find((one) => one.image === nameOf(bad))?.message ?? '';
  }

  describe('backend directory', () => {
    let site: Site;
    beforeEach(async () => {
      site = await Site.make('directory');
    });

    it('owners that the user namespace does not have: they are lost, with a warning, and all is published', async function () {
      needs(this, 'root', 'user-namespaces');
      const owned = { uid: 1000, gid: 1000, mode: 0o4755 };
      const layers = [await layer([directory('home', owned), file('home/set-uid', 'x', owned)])];
      bad = registry.add('lab/owned', '1', image({ layers }));
      const main = fileURLToPath(new URL(`../../${MAIN}`, import.meta.url));
      const words = ['convert', site.recipe([bad, ...goods]), ...site.options];
      const child = spawn('unshare', ['--user', '--map-root-user', process.execPath, main, ...words], {
        env: environmentOf({}),
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const { status, stderr } = await new Running(child).ended();
      assert.equal(status, 0, stderr);
      const warnings = stderr.split('\n').filter((line) => line.startsWith('warning: '));
      assert.deepEqual(warnings.length, 1, stderr);
      assert.match(warnings[0] ?? '', /lab\/owned:1: the owners of 2 paths are not kept: this user cannot/);
      const { stdout } = await site.convert([bad], ['--json']);
      assert.equal((JSON.parse(stdout) as Report).images[0]?.outcome, 'unchanged');
    });

    it('a layer that is small and holds much: it fails before anything is written, and all others fit', async function () {
      mkdirSync(site.root);
      await withMount(this, site.root, { type: 'tmpfs', options: 'size=3m' }, async () => {
        const layers = [await layer([file('zeros', Buffer.alloc(20_000_000))])];
        bad = registry.add('lab/zeros', '1', image({ layers }));
        const outcome = await site.convert([bad, ...goods], ['--json']);
        const message = assertOneFails(outcome, site, 'disk-full');
        assert.match(message, /^no room for 20\.0 MB in .* \(\d.* free\)/);
      });
    });

    it('a layer with more files than there can be: the same', async function () {
      mkdirSync(site.root);
      await withMount(this, site.root, { type: 'tmpfs', options: 'size=9m,nr_inodes=900' }, async () => {
        const files = Array.from({ length: 1000 }, (_, index) => file(`f${index}`, ''));
        bad = registry.add('lab/inodes', '1', image({ layers: [await layer(files)] }));
        const outcome = await site.convert([bad, ...goods], ['--json']);
        const message = assertOneFails(outcome, site, 'disk-full');
        assert.match(message, /^no room for 1\d\d\d files and folders in .* \(there can be \d+ more\)/);
      });
    });
  });

  describe('backend cvmfs', () => {
    let site: Site;
    beforeEach(async () => {
      site = await Site.make('cvmfs');
      bad = registry.add('lab/poison', '1', image({ layers: [await layer([file('poison', 'x')])] }));
    });
    afterEach(async () => site.close());

    const ingests = (): number =>
      site.fixture?.calls().filter(({ command }) => command === 'ingest').length ?? 0;

    it('a server that fails for one image: the others are published, in few publications', async () => {
      site.fixture?.inject({ action: 'fail', at: 'read', of: '/poison', words: 'cannot take that' });
      const outcome = await site.convert([bad, ...goods], ['--json']);
      const message = assertOneFails(outcome, site, 'image-unpublishable');
      assert.match(message, /^the repository takes others, but not this image: .*cannot take that/);
      // All; nothing; then halves, 2 for each of 3 steps.
      assert.ok(ingests() <= 8, String(ingests()));
    });

    it('a server that has no room for one image: the same, and it is a full disk', async () => {
      site.fixture?.inject({ ...faults['no-room'], of: '/poison' });
      const outcome = await site.convert([bad, ...goods], ['--json']);
      const message = assertOneFails(outcome, site, 'disk-full');
      assert.match(message, /^no room for /);
    });

    it('a server that fails for all: it is nobody\u2019s, and found out at once', async () => {
      site.fixture?.inject(faults.ingest);
      const { status, stdout, stderr } = await site.convert([bad, ...goods], ['--json']);
      assert.equal(status, 3, stderr);
      const { images }: Report = JSON.parse(stdout);
      assert.deepEqual(new Set(images.map(({ code }) => code)), new Set(['repository-unusable']));
      assert.equal(ingests(), 2);
    });

    /** Leaves a tree of the bad image's layer in the repository that is not whole, as a crash of another tool does. */
    async function leaveTree(): Promise<() => string[]> {
      const { command, root } = site.fixture ?? assert.fail();
      const odd = await layer([file('poison', 'odd')]);
      bad = registry.add('lab/odd', '1', image({ layers: [odd] }));
      const folder = `${layerRoot(odd.digest)}/left over`;
      const server = (word: string): void => {
        execFileSync(command, [word, REPOSITORY], { stdio: 'ignore' });
      };
      server('transaction');
      const at = Buffer.from(join(root, REPOSITORY, folder));
      mkdirSync(at, { recursive: true });
      // Together more than one word of a command takes.
      for (let index = 0; index < 1500; index++) {
        const name = Buffer.from(`/caf\xe9 $(exit 1)\n; ${'x'.repeat(80)}${index}`, 'latin1');
        writeFileSync(Buffer.concat([at, name]), '');
      }
      server('publish');
      return () => (existsSync(site.path(folder)) ? readdirSync(site.path(folder)) : []);
    }

    it('leftovers of which cvmfs_server cannot be told: they go, and all are published', async () => {
      const left = await leaveTree();
      assert.equal(left().length, 1500);
      const { status, stderr } = await site.convert([bad, ...goods]);
      assert.equal(status, 0, stderr);
      assert.deepEqual(left(), []);
      assert.deepEqual(site.fixture?.problems(REPOSITORY), []);
    });

    it('leftovers that cannot be deleted in any way: the others are published', async () => {
      await leaveTree();
      const { command, top } = site.fixture ?? assert.fail();
      const mountless = join(top, 'mountless');
      const refusal = 'if [ "$1" = transaction ]; then echo "no union file system here"; exit 1; fi';
      writeFileSync(mountless, `#!/bin/sh\n${refusal}\nexec ${command} "$@"\n`, { mode: 0o755 });
      const outcome = await site.convert([bad, ...goods], ['--json', '--cvmfs-server', mountless]);
      assert.match(assertOneFails(outcome, site, 'image-unpublishable'), /no union file system here/);
      assert.equal(
        site.fixture?.calls().some(({ command: word }) => word === 'abort'),
        false,
      );
    });

    it('is not tried again with each look of the daemon', async () => {
      site.fixture?.inject({ action: 'fail', at: 'read', of: '/poison', words: 'cannot take that' });
      const configuration = site.configuration([`- file: ${site.recipe([bad, ...goods.slice(0, 1)])}`]);
      const daemon = site.startDaemon(configuration);
      try {
        const said = (text: RegExp): boolean => text.test(daemon.stderr);
        await daemon.until(() => said(/lab\/poison:1 failed/) && said(/published \S+lab\/good:a/));
        const before = ingests();
        const looks = async (): Promise<number | undefined> => (await askActivity(site.state))?.nextCycleMs;
        for (let count = 0; count < 2; count++) {
          const next = await looks();
          await daemon.until(async () => (await looks()) !== next);
        }
        assert.equal(ingests(), before);
        const { stdout } = await site.command(['status', '--json']);
        const [repository] = JSON.parse(stdout).repositories;
        assert.equal(repository.failing[0].failure.code, 'image-unpublishable');
        assert.equal(repository.failure ?? undefined, undefined);
        assert.equal(repository.images, 1);
      } finally {
        daemon.child.kill('SIGTERM');
        assert.equal((await daemon.ended()).status, 0);
      }
    });
  });
});
