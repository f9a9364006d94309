import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { askActivity } from '../../daemon/service/control.ts';
import { databasePath } from '../../daemon/state/state-files.ts';
import { faults } from '../support/cvmfs-server/fixture.ts';
import { smallImage } from '../support/e2e/images.ts';
import { withMount } from '../support/e2e/mounts.ts';
import { killAll } from '../support/e2e/processes.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { REPOSITORY, Site, type BackendKind } from '../support/e2e/site.ts';
import type { Running } from '../support/e2e/unpackd.ts';
import { image, type Image } from '../support/images/image.ts';
import { directory, file } from '../support/images/layer-entry.ts';
import { layer } from '../support/images/layer.ts';
import { FaultServer } from '../support/registry/fault-server.ts';
import { stall } from '../support/registry/faults.ts';

const execute = promisify(execFile);
const LIMIT_MS = 900_000;
const NAME = 'lab/app:1';
const OTHER = 'other.unpackd.test';

/** A daemon for one image, and what is around it. */
class Scene {
  readonly site: Site;
  readonly registry: TestRegistry;
  readonly #started: Running[] = [];

  private constructor(site: Site, registry: TestRegistry) {
    this.site = site;
    this.registry = registry;
  }

  static async make(kind: BackendKind): Promise<Scene> {
    return new Scene(await Site.make(kind), await TestRegistry.start());
  }

  /** Lets the tag lead to an image with `text`. */
  async tag(text: string): Promise<string> {
    return this.tagImage(await smallImage(text));
  }

  tagImage(tagged: Image): string {
    return this.registry.add('lab/app', '1', tagged);
  }

  /** Starts a daemon for the image, or for the recipes that are named. */
  start(settings: Readonly<Record<string, string>> = {}, recipes?: readonly string[]): Running {
    const files = recipes ?? [this.site.recipe([`http://${this.registry.host}/${NAME}`])];
    const configuration = this.site.configuration(
      files.map((path) => `- file: ${path}`),
      settings,
    );
    const running = this.site.startDaemon(configuration);
    this.#started.push(running);
    return running;
  }

  /** Whether the image is published with this text. */
  isShown(text: string): boolean {
    const path = this.site.path(`${this.registry.host}/${NAME}/etc/release`);
    return existsSync(path) && readFileSync(path, 'utf8') === text;
  }

  /** Moves the tag, and waits until that is published. */
  async publish(daemon: Running, text: string): Promise<void> {
    await this.tag(text);
    await daemon.until(() => this.isShown(text));
    await this.idle(daemon);
  }

  /** How many there were, by what the daemons say. */
  get publications(): number {
    return this.#started.reduce((sum, { stderr }) => sum + count(stderr, /published \d+ images? with /), 0);
  }

  /** Waits until the daemon has looked at everything twice more, and has nothing to do. */
  async idle(daemon: Running): Promise<void> {
    for (let looks = 0; looks < 2; looks++) {
      this.registry.requests();
      const tag = `/manifests/1`;
      await daemon.until(() => this.registry.requests().some((line) => line.endsWith(tag)));
    }
    for (;;) {
      const activity = await askActivity(this.site.state);
      const isBusy = activity?.repositories.some(({ publishing }) => publishing.length > 0);
      if (isBusy !== true && activity?.cycleSinceMs === undefined) return;
      await sleep(20);
    }
  }

  /** What `unpackd status --json` says, with its exit status. */
  async status(): Promise<{ readonly status: number | undefined; readonly report: Report }> {
    const { status, stdout, stderr } = await this.site.command(['status', '--json']);
    assert.notEqual(stdout, '', stderr);
    return { status, report: JSON.parse(stdout) };
  }

  async assertWell(images = 1): Promise<void> {
    const { status, report } = await this.status();
    assert.equal(status, 0, JSON.stringify(report));
    assert.equal(report.isWell, true);
    assert.equal(report.repositories.find(({ name }) => name === REPOSITORY)?.images, images);
  }

  async stop(daemon: Running): Promise<void> {
    daemon.child.kill('SIGTERM');
    const { status, stderr } = await daemon.ended();
    assert.equal(status, 0, stderr);
    assert.match(stderr, / stopped$/m);
  }

  async close(): Promise<void> {
    this.site.fixture?.inject(undefined);
    for (const running of this.#started) {
      killAll(running);
      await running.ended();
    }
    await this.registry.close();
    await this.site.close();
  }
}

/** The part of a status that is looked at. */
interface Report {
  readonly isWell: boolean;
  readonly repositories: readonly {
    readonly name: string;
    readonly images: number;
    readonly failure?: unknown;
    readonly failing: readonly { readonly tries: number; readonly failure: { readonly code: string } }[];
    readonly activity?: { readonly waitingFor?: string };
  }[];
}

/** How often something stands in a text. */
function count(text: string, pattern: RegExp): number {
  return [...text.matchAll(new RegExp(pattern, 'g'))].length;
}

function said(daemon: Running, pattern: RegExp): () => boolean {
  return () => pattern.test(daemon.stderr);
}

/** An image that takes 256 KiB, packed and unpacked. */
async function incompressibleImage(seed = ''): Promise<Image> {
  const noise = createHash('shake256', { outputLength: 256 * 1024 })
    .update(seed)
    .digest();
  return image({
    layers: [await layer([directory('etc'), file('etc/release', 'large'), file('noise', noise)])],
  });
}

async function manyFiles(): Promise<Image> {
  const files = Array.from({ length: 4000 }, (_, index) => file(`many/${index}`, `${index}\n`));
  return image({
    layers: [await layer([directory('etc'), file('etc/release', 'many'), directory('many'), ...files])],
  });
}

/** Keeps the database locked, from another process, while `work` runs. */
async function whileLocked(path: string, work: () => Promise<void>): Promise<void> {
  const script = `
    import sqlite3 from ${JSON.stringify(import.meta.resolve('sqlite3'))};
    const database = new sqlite3.Database(${JSON.stringify(path)});
    database.configure('busyTimeout', 60000);
    database.exec('BEGIN EXCLUSIVE', (error) => console.log(error ?? 'locked'));
    // What nobody refers to may be collected, and its lock goes with it.
    setInterval(() => database, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  try {
    const [words]: unknown[] = await once(child.stdout, 'data');
    assert.equal(String(words), 'locked\n');
    await work();
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

function removeDatabase(path: string): void {
  for (const end of ['', '-wal', '-shm']) rmSync(`${path}${end}`, { force: true });
}

describe('e2e/daemon-faults', function () {
  this.timeout(LIMIT_MS);
  let scene: Scene;
  async function open(kind: BackendKind): Promise<Scene> {
    scene = await Scene.make(kind);
    return scene;
  }
  afterEach(async () => scene.close());

  describe('beside other processes', () => {
    it('two daemons with one state: the second one says who has it, with exit status 3', async () => {
      await open('directory');
      const first = scene.start();
      await scene.publish(first, 'one');
      const { status, stderr } = await scene.start().ended();
      assert.equal(status, 3, stderr);
      assert.match(stderr, new RegExp(`^error\\[state-unusable\\] .*process ${first.child.pid}\\b`, 'm'));
      await scene.publish(first, 'two');
      await scene.stop(first);
    });

    it('convert and status: both do what they do without it, and so does the daemon', async () => {
      await open('directory');
      const daemon = scene.start();
      await scene.publish(daemon, 'one');
      const beside = scene.registry.add('lab/beside', '1', await smallImage('beside'));
      const { status, stdout, stderr } = await scene.site.convert([beside]);
      assert.equal(status, 0, stderr);
      assert.match(stdout, /^published .*lab\/beside:1 /);
      await scene.assertWell(2);
      await scene.publish(daemon, 'two');
      await scene.assertWell(2);
      await scene.stop(daemon);
    });

    it('somebody else\u2019s transaction: the status says what is waited for, another repository goes on', async () => {
      const { site, registry } = await open('cvmfs');
      const { fixture } = site;
      assert.ok(fixture !== undefined);
      await fixture.repository(OTHER, { xattrs: true });
      await execute(fixture.command, ['transaction', REPOSITORY]);
      const wish = await scene.tag('one');
      const daemon = scene.start({}, [site.recipe([wish]), site.recipe([wish], OTHER)]);
      const other = join(fixture.view(OTHER), registry.host, NAME, 'etc/release');
      await daemon.until(() => existsSync(other));
      await daemon.until(said(daemon, /waiting, because somebody has a transaction open on images/));
      const { report } = await scene.status();
      const waiting = report.repositories.find(({ name }) => name === REPOSITORY)?.activity?.waitingFor;
      assert.match(waiting ?? '', /because somebody has a transaction open on images\.unpackd\.test/);
      assert.equal(scene.isShown('one'), false);
      // Both repositories go on apart from each other.
      await scene.tag('two');
      await daemon.until(() => existsSync(other) && readFileSync(other, 'utf8') === 'two');
      await execute(fixture.command, ['abort', '-f', REPOSITORY]);
      await daemon.until(() => scene.isShown('two'));
      assert.equal(
        count(daemon.stderr, /waiting, because somebody has a transaction open on images/),
        1,
        daemon.stderr,
      );
      await scene.idle(daemon);
      await scene.assertWell();
      await scene.stop(daemon);
    });
  });

  describe('with its database', () => {
    const FAULTS = {
      deleted: removeDatabase,
      'replaced by rubbish': (path) => {
        // With the log beside it SQLite would find everything there.
        removeDatabase(path);
        writeFileSync(path, 'no database '.repeat(1000));
      },
    } as const satisfies Record<string, (path: string) => void>;
    const LINES: Record<keyof typeof FAULTS, RegExp> = {
      deleted: /the database has disappeared: making a new one|found in [^ ]+: 1 image/,
      'replaced by rubbish': /the database .*unpackd\.db.* is damaged/,
    };

    for (const fault of ['deleted', 'replaced by rubbish'] as const) {
      it(`${fault}: it says so, publishes what is new and nothing twice, and the status is right`, async () => {
        const { site } = await open('directory');
        let daemon = scene.start();
        await scene.publish(daemon, 'one');
        assert.equal(scene.publications, 1);

        FAULTS[fault](databasePath(site.state));
        await daemon.until(said(daemon, LINES[fault]));
        await scene.idle(daemon);
        assert.equal(scene.publications, 1);
        await scene.assertWell();
        await scene.publish(daemon, 'two');
        assert.equal(scene.publications, 2);
        await scene.assertWell();
        await scene.stop(daemon);

        FAULTS[fault](databasePath(site.state));
        daemon = scene.start();
        await daemon.until(said(daemon, LINES[fault]));
        await scene.idle(daemon);
        assert.equal(scene.publications, 2);
        await scene.assertWell();
        await scene.stop(daemon);
      });
    }

    it('locked by another process: it says so once, publishes all the same, and remembers afterwards', async () => {
      const { site } = await open('directory');
      let daemon = scene.start();
      await scene.publish(daemon, 'one');
      await whileLocked(databasePath(site.state), async () => {
        await scene.tag('two');
        await daemon.until(() => scene.isShown('two'));
        await daemon.until(said(daemon, /another program keeps it locked/));
      });
      await daemon.until(said(daemon, /the database can be used again/));
      await scene.idle(daemon);
      assert.equal(count(daemon.stderr, /keeps it locked/), 1, daemon.stderr);
      assert.equal(scene.publications, 2);
      await scene.assertWell();
      await scene.stop(daemon);

      await whileLocked(databasePath(site.state), async () => {
        daemon = scene.start();
        await scene.tag('three');
        await daemon.until(() => scene.isShown('three'));
      });
      await daemon.until(said(daemon, /the database can be used again/));
      await scene.idle(daemon);
      assert.equal(scene.publications, 3);
      await scene.assertWell();
      await scene.stop(daemon);
    });
  });

  describe('without room on the disk', () => {
    const FULL = { type: 'tmpfs', options: 'size=1m' } as const;

    /** Takes all room on the file system of `folder` until {@link free}. */
    function fill(folder: string): void {
      const rest = Buffer.alloc(4096);
      try {
        for (;;) writeFileSync(join(folder, 'filler'), rest, { flag: 'a' });
      } catch (error) {
        assert.match(String(error), /ENOSPC/);
      }
    }

    function free(folder: string): void {
      rmSync(join(folder, 'filler'));
    }

    /**
     * Something new comes while there is no room: it is said once, and what needs none goes on. It is published when there is
     * some, and it is tried.
     */
    async function publishInSpite(folder: string, daemon: Running, line: RegExp): Promise<void> {
      await scene.publish(daemon, 'one');
      fill(folder);
      scene.tagImage(await incompressibleImage());
      await daemon.until(said(daemon, line));
      const before = scene.publications;
      const tries = async (): Promise<number | undefined> =>
        (await scene.status()).report.repositories[0]?.failing[0]?.tries;
      await daemon.until(async () => (await tries()) === 1);
      await scene.site.command(['retry']);
      await daemon.until(async () => (await tries()) === 2);
      assert.equal(count(daemon.stderr, line), 1, daemon.stderr);
      assert.equal(scene.publications, before);
      assert.equal(scene.isShown('one'), true);
      const { status, report } = await scene.status();
      const [repository] = report.repositories;
      assert.equal(status, 1);
      assert.equal(repository?.failing[0]?.failure.code, 'disk-full');
      assert.equal(repository.failure, undefined);
      assert.equal(count(daemon.stderr, / to (?:add|update)/), 2, daemon.stderr);
      free(folder);
      await scene.site.command(['retry']);
      await daemon.until(() => scene.isShown('large'));
      await scene.idle(daemon);
      assert.equal(count(daemon.stderr, line), 1, daemon.stderr);
      await scene.assertWell();
      await scene.stop(daemon);
    }

    it('of the spool: it says so once, and goes on when there is some', async function () {
      const { site } = await open('directory');
      const spool = join(site.folder, 'spool');
      mkdirSync(spool);
      await withMount(this, spool, FULL, async () => {
        await publishInSpite(spool, scene.start({ 'temporary-dir': spool }), /failed: no room in /);
      });
    });

    it('of the repository: the same', async function () {
      const { site } = await open('directory');
      mkdirSync(site.root);
      await withMount(this, site.root, FULL, async () => {
        await publishInSpite(site.root, scene.start(), /failed: no room /);
      });
    });

    it('of the state: it says so, and goes on when there is some', async function () {
      const { site } = await open('directory');
      mkdirSync(site.state);
      const spool = join(site.folder, 'spool');
      await withMount(this, site.state, FULL, async () => {
        const daemon = scene.start({ 'temporary-dir': spool });
        await scene.publish(daemon, 'one');
        fill(site.state);
        await scene.tag('two');
        await daemon.until(said(daemon, /no space|free space|disk/i));
        await sleep(3000);
        free(site.state);
        daemon.child.kill('SIGHUP');
        await daemon.until(() => scene.isShown('two'));
        await scene.idle(daemon);
        assert.equal(scene.publications, 2);
        await scene.assertWell();
        await scene.stop(daemon);
        const full = daemon.stderr.split('\n').filter((line) => /no space/.test(line));
        assert.equal(new Set(full.map((line) => line.slice(20))).size, full.length, daemon.stderr);
      });
    });
  });

  describe('and signals', () => {
    it('SIGTERM in a publication: that goes on to its end, and the exit status is 0', async () => {
      const { site } = await open('cvmfs');
      const { fixture } = site;
      assert.ok(fixture !== undefined);
      scene.tagImage(await manyFiles());
      const daemon = scene.start();
      // From the call on, of which the program's start alone takes a while.
      await daemon.until(() => fixture.calls().length > 0);
      assert.equal(scene.isShown('many'), false);
      await scene.stop(daemon);
      assert.equal(scene.isShown('many'), true);
      assert.equal(fixture.publications(REPOSITORY), 1);
    });

    it('SIGTERM in a download: it ends at once, and the next start goes on from there', async () => {
      const { site } = await open('directory');
      const server = await FaultServer.start();
      try {
        const slow = await incompressibleImage('slow');
        server.addManifest('lab/slow', '1', slow.manifest.bytes);
        for (const blob of slow.blobs) if ('bytes' in blob) server.blobs.set(blob.digest, blob.bytes);
        const asked = new RegExp(`/blobs/${slow.layers[0]?.digest}`);
        server.fail(asked, stall, 1);
        const recipes = [site.recipe([`http://${server.host}/lab/slow:1`])];
        const daemon = scene.start({}, recipes);
        const part = join(site.state, 'spool', 'tmp');
        await daemon.until(() => server.paths.some((path) => asked.test(path)));
        await daemon.until(
          () => existsSync(part) && readdirSync(part).some((name) => name.endsWith('.part')),
        );
        await scene.stop(daemon);
        assert.equal(readdirSync(part).length, 1);
        server.seen.length = 0;
        const next = scene.start({}, recipes);
        await next.until(() => existsSync(site.path(`${server.host}/lab/slow:1/noise`)));
        const ranges = server.seen.filter(({ url }) => asked.test(url)).map(({ range }) => range);
        assert.equal(ranges.length, 1);
        assert.match(ranges[0] ?? '', /^bytes=[1-9]\d*-$/);
        await scene.stop(next);
      } finally {
        await server.close();
      }
    });

    it('a second SIGTERM: it ends at once with 130, and the next start clears up', async () => {
      const { site } = await open('cvmfs');
      site.fixture?.inject(faults['hang-read']);
      await scene.tag('one');
      const daemon = scene.start();
      const flag = join(site.fixture?.spool ?? '', REPOSITORY, 'in_transaction.lock');
      await daemon.until(() => existsSync(flag));
      daemon.child.kill('SIGTERM');
      await daemon.until(said(daemon, / stopping$/m));
      daemon.child.kill('SIGTERM');
      assert.equal((await daemon.ended()).status, 130);
      site.fixture?.inject(undefined);
      const next = scene.start();
      await next.until(() => scene.isShown('one'));
      await scene.idle(next);
      // Whether the command that was left aborted its transaction itself, or this start did.
      assert.equal(existsSync(flag), false);
      await scene.assertWell();
      await scene.stop(next);
    });

    it('SIGHUP and a configuration that cannot be used: the old one stays, until a good one comes', async () => {
      const { site } = await open('directory');
      const daemon = scene.start();
      await scene.publish(daemon, 'one');
      writeFileSync(join(site.folder, 'unpackd.yaml'), "schedule: 'never'\nsources: []\n");
      daemon.child.kill('SIGHUP');
      await daemon.until(said(daemon, /new configuration refused, keeping the old one: .*never/));
      await scene.publish(daemon, 'two');
      const words = ['status', '--config', join(site.folder, 'unpackd.yaml')];
      const broken = await site.command(words);
      assert.equal(broken.status, 1, broken.stderr);
      assert.match(broken.stdout, /^daemon: running since [^]*published: 1 image /);
      assert.match(
        broken.stdout,
        /the configuration file is wrong: .*unpackd\.yaml:1: schedule: .*\[configuration-invalid\]$/m,
      );
      assert.match(broken.stdout, /the daemon refused a new configuration .*\[configuration-invalid\]$/m);
      const recipe = site.recipe([await scene.tag('three')]);
      site.configuration([`- file: ${recipe}`]);
      daemon.child.kill('SIGHUP');
      await daemon.until(said(daemon, /configuration reloaded/));
      await daemon.until(() => scene.isShown('three'));
      await scene.idle(daemon);
      await scene.assertWell();
      await scene.stop(daemon);
    });
  });
});
