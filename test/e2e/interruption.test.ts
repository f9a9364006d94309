import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Lock } from '../../core/system/lock.ts';
import { richImage, smallImage } from '../support/e2e/images.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { BACKENDS, REPOSITORY, Site } from '../support/e2e/site.ts';
import type { Running } from '../support/e2e/unpackd.ts';
import { faults } from '../support/cvmfs-server/fixture.ts';
import { image, type Image } from '../support/images/image.ts';
import { directory, file } from '../support/images/layer-entry.ts';
import { layer } from '../support/images/layer.ts';
import { FaultServer } from '../support/registry/fault-server.ts';
import { stall } from '../support/registry/faults.ts';
import { snapshot } from '../support/trees/snapshot.ts';

/** An image whose publication takes a while. */
async function manyFiles(): Promise<Image> {
  const files = Array.from({ length: 3000 }, (_, index) => file(`many/${index}`, `${index}\n`));
  return image({ layers: [await layer([directory('many'), ...files])] });
}

async function fewFiles(): Promise<Image> {
  return image({ layers: [await layer([directory('many'), file('many/1')])] });
}

for (const kind of BACKENDS) {
  describe(`e2e/interruption: unpackd convert, backend ${kind}, and SIGTERM`, () => {
    let site: Site;
    let registry: TestRegistry;
    let published: string;
    beforeEach(async () => {
      site = await Site.make(kind);
      registry = await TestRegistry.start();
      published = registry.add('lab/published', '1', await smallImage('published'));
      assert.equal((await site.convert([published])).status, 0);
    });
    afterEach(async () => {
      site.fixture?.inject(undefined);
      await registry.close();
      await site.close();
    });

    function underWay(): string[] {
      return readdirSync(join(site.state, 'spool', 'tmp'));
    }

    /** Everything that was published, and that nothing is left beside it, except what a download goes on with. */
    async function assertAsBefore(before: ReadonlyMap<string, string>): Promise<void> {
      assert.deepEqual(await snapshot(site.published, { directoryTimes: true }), before);
      assert.deepEqual(
        underWay().filter((name) => !name.endsWith('.part')),
        [],
      );
      if (kind === 'directory') {
        assert.deepEqual(readdirSync(join(site.root, `.unpackd-${REPOSITORY}`)), ['lock']);
        return;
      }
      const left = readdirSync(join(site.fixture?.spool ?? '', REPOSITORY));
      assert.deepEqual(
        left.filter((name) => /transaction|publishing/.test(name)),
        [],
      );
    }

    it('in a download: exit 130, nothing changed, and the next run completes', async () => {
      const server = await FaultServer.start();
      try {
        const slow = await richImage({ layers: 1 });
        server.addManifest('lab/slow', '1', slow.manifest.bytes);
        for (const blob of slow.blobs) if ('bytes' in blob) server.blobs.set(blob.digest, blob.bytes);
        const [large] = slow.layers;
        const asked = new RegExp(`/blobs/${large?.digest}`);
        server.fail(asked, stall, 1);
        const wishes = [published, `http://${server.host}/lab/slow:1`];
        const before = await snapshot(site.published, { directoryTimes: true });
        const running = site.startConvert(wishes);
        await running.until(() => server.paths.some((path) => asked.test(path)));
        running.child.kill('SIGTERM');
        const { status, stderr } = await running.ended();
        assert.equal(status, 130, stderr);
        assert.match(stderr, /^error\[interrupted\] /m);
        await assertAsBefore(before);
        assert.equal((await site.convert(wishes)).status, 0);
        assert.deepEqual(underWay(), []);
        assert.ok(existsSync(site.path(`${server.host}/lab/slow:1/usr/bin/tool`)));
      } finally {
        await server.close();
      }
    });

    it('in a publication: exit 130, nothing changed, and the next run completes', async () => {
      const wish = registry.add('lab/many', '1', kind === 'directory' ? await manyFiles() : await fewFiles());
      const before = await snapshot(site.published, { directoryTimes: true });
      site.fixture?.inject(faults['hang-read']);
      const running = site.startConvert([wish]);
      await running.until(() => isPublishing());
      running.child.kill('SIGTERM');
      const { status, stderr } = await running.ended();
      assert.equal(status, 130, stderr);
      await assertAsBefore(before);
      site.fixture?.inject(undefined);
      registry.requests();
      const { stdout } = await site.convert([wish]);
      assert.match(stdout, /^published /);
      assert.deepEqual(registry.blobRequests(), []);
      assert.ok(existsSync(site.path(`${registry.host}/lab/many:1/many/1`)));
    });

    function isPublishing(): boolean {
      if (kind === 'directory')
        return existsSync(join(site.root, `.unpackd-${REPOSITORY}`, 'staging', '.layers'));
      return existsSync(join(site.fixture?.spool ?? '', REPOSITORY, 'in_transaction.lock'));
    }
  });

  describe(`e2e/interruption: unpackd convert, backend ${kind}, twice at the same time`, () => {
    let site: Site;
    let registry: TestRegistry;
    before(async () => {
      site = await Site.make(kind);
      registry = await TestRegistry.start();
    });
    after(async () => {
      await registry.close();
      await site.close();
    });

    it('both publish, one after the other', async () => {
      const shared = await richImage({ layers: 1 });
      const both: Running[] = [];
      for (const [index, tag] of ['one', 'two'].entries()) {
        const own = registry.add('lab/at-once', tag, await richImage({ layers: 2 + index }));
        const same = registry.add('lab/shared', '1', shared);
        both.push(site.startConvert([own, same], ['--state', join(site.folder, tag)]));
      }
      for (const running of both) {
        const { status, stderr } = await running.ended();
        assert.equal(status, 0, stderr);
      }
      for (const name of ['lab/at-once:one', 'lab/at-once:two', 'lab/shared:1']) {
        const tool = readFileSync(site.path(`${registry.host}/${name}/usr/bin/tool`), 'utf8');
        assert.equal(tool, '#!/bin/sh\necho tool\n');
      }
    });

    it('with one state directory: the second waits for the first', async () => {
      const wish = registry.add('lab/state', '1', await smallImage('state'));
      const both = [site.startConvert([wish]), site.startConvert([wish])];
      const outcomes = await Promise.all(both.map(async (running) => await running.ended()));
      for (const { status, stderr } of outcomes) assert.equal(status, 0, stderr);
      assert.equal(outcomes.filter(({ stdout }) => stdout.startsWith('published ')).length >= 1, true);
    });

    it('and no wait allowed: exit 3, with the number of the process that is in the way', async () => {
      const wish = registry.add('lab/wait', '1', await smallImage('wait'));
      const path =
        kind === 'directory'
          ? join(site.root, `.unpackd-${REPOSITORY}`, 'lock')
          : join(site.fixture?.spool ?? '', REPOSITORY, 'unpackd.lock');
      const notice = (): void => undefined;
      const lock = await Lock.acquire({ path, subject: 'it', waitMs: 0, unusable: 'state-unusable', notice });
      const { status, stderr } = await site.convert([wish], ['--wait', '0']);
      lock.release();
      assert.equal(status, 3);
      assert.match(stderr, new RegExp(`^error\\[repository-busy\\] .*\\b${process.pid}\\b`, 'm'));
      assert.equal((await site.convert([wish], ['--wait', '0'])).status, 0);
    });
  });
}
