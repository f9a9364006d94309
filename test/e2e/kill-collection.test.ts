import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { killAll } from '../support/e2e/processes.ts';
import { pseudoRandom } from '../support/e2e/pseudo-random.ts';
import { wholeOf } from '../support/e2e/published.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { BACKENDS, CLIENT_ROOT, REPOSITORY, Site, type BackendKind } from '../support/e2e/site.ts';
import { runHere, start } from '../support/e2e/unpackd.ts';
import { image, imageIndex, type Image } from '../support/images/image.ts';
import { file } from '../support/images/layer-entry.ts';
import { layer } from '../support/images/layer.ts';
import { differences, snapshot, type Snapshot } from '../support/trees/snapshot.ts';
import { describeWith } from '../support/programs.ts';

const SEED = Number(process.env['UNPACKD_TEST_SEED'] ?? randomInt(2 ** 31));
const KILLS = Number(process.env['TEST_KILLS'] ?? 6);

const NOW = ['--grace-period', '0'];
const PLATFORMS = ['--platforms', 'linux/amd64,linux/arm64'];

interface Step {
  readonly command: string;
  readonly words: (host: string) => readonly string[];
  /** What it writes once it publishes. */
  readonly title: string;
}

/** What takes everything away that is not kept, in this order. */
const STEPS: readonly Step[] = [
  { command: 'remove', words: (host) => [`${host}/gone/*:1`], title: 'removal of' },
  { command: 'mark', words: () => ['gc', REPOSITORY], title: 'collection of' },
  { command: 'sweep', words: () => ['gc', REPOSITORY, ...NOW], title: 'collection of' },
];

/** All that is published: some is kept, some goes, a tag moves, and layers are shared between them and their platforms. */
class Scene {
  readonly #registry: TestRegistry;
  readonly #images: ReadonlyMap<string, Image>;

  private constructor(registry: TestRegistry, images: ReadonlyMap<string, Image>) {
    this.#registry = registry;
    this.#images = images;
  }

  static async on(registry: TestRegistry): Promise<Scene> {
    const base = await layer([file('base', 'base'.repeat(5000))]);
    const both = await layer([file('both', 'both')]);
    const own = async (text: string, architecture = 'amd64'): Promise<Image> =>
      image({
        layers: [base, ...(text.length % 2 === 0 ? [both] : []), await layer([file('says', text)])],
        config: { architecture, os: 'linux' },
      });
    const index = async (text: string): Promise<Image> =>
      imageIndex(
        await Promise.all(
          ['amd64', 'arm64'].map(async (architecture) => ({
            image: await own(`${text}-${architecture}`, architecture),
            platform: { os: 'linux', architecture },
          })),
        ),
      );
    const images = new Map<string, Image>([
      ['kept/one', await own('kept')],
      ['kept/many', await index('kept-many')],
      ['gone/one', await own('one')],
      ['gone/sub', await own('gone')],
      ['gone/many', await index('gone-many')],
      ['kept/moved', await own('before')],
      ['moved', await own('after it')],
    ]);
    return new Scene(registry, images);
  }

  get host(): string {
    return this.#registry.host;
  }

  /** Publishes everything, then moves the tag and asks no more for what goes. */
  async publish(site: Site): Promise<void> {
    const all = [...this.#images].filter(([name]) => name !== 'moved');
    const wishes = all.map(([name, one]) => this.#registry.add(name, '1', one));
    await convert(site, wishes);
    const moved = this.#images.get('moved');
    assert.ok(moved !== undefined);
    this.#registry.add('kept/moved', '1', moved);
    await convert(
      site,
      wishes.filter((wish) => wish.includes('/kept/')),
    );
  }

  /** Every place that leads to a tree. */
  names(): string[] {
    const names = [...this.#images.keys()].filter((name) => name !== 'moved');
    return names.flatMap((name) => {
      const path = `${this.host}/${name}:1`;
      return name.endsWith('/many') ? [path, `.multiarch/arm64/${path}`] : [path];
    });
  }
}

async function convert(site: Site, wishes: readonly string[]): Promise<void> {
  const { status, stderr } = await site.convertHere(wishes, PLATFORMS);
  assert.equal(status, 0, stderr);
}

/** One backend, over and over: everything is published, taken back and collected, each of it killed and run again. */
class Lane {
  readonly #site: Site;
  readonly #scene: Scene;
  readonly #random: () => number;
  readonly #durations = new Map<string, number>();
  /** What names lead to. */
  readonly #trees = new Map<string, Snapshot>();
  kills = 0;
  /** Those that came before the end. */
  early = 0;

  constructor(site: Site, scene: Scene, number: number) {
    this.#site = site;
    this.#scene = scene;
    this.#random = pseudoRandom(SEED + number);
  }

  async run(): Promise<void> {
    await this.#scene.publish(this.#site);
    for (const name of this.#scene.names()) this.#trees.set(name, await treeOf(this.#site, name));
    for (const step of STEPS) {
      const begin = performance.now();
      const { status, stderr } = await start(this.#words(step), { uncovered: true }).ended();
      assert.equal(status, 0, stderr);
      this.#durations.set(step.command, performance.now() - begin);
    }
    const whole = await wholeOf(this.#site);
    this.#checkNames();
    while (this.kills < KILLS) {
      await this.#scene.publish(this.#site);
      for (const step of STEPS.slice(0, KILLS - this.kills)) await this.#killIn(step);
      for (const step of STEPS) await this.#finish(step);
      await this.#checkEnd(whole);
    }
  }

  async #killIn(step: Step): Promise<void> {
    const duration = this.#durations.get(step.command) ?? 0;
    const isLate = this.#random() < 0.7;
    const afterMs = isLate ? this.#random() ** 2 * (duration / 2) : this.#random() * duration;
    const withCommands = this.#random() < 0.5;
    const running = start(this.#words(step), { uncovered: true });
    const isEnded = (): boolean => running.child.exitCode !== null;
    const ended = running.ended();
    try {
      // Where an earlier step was killed late, nothing may be left to publish.
      if (isLate)
        while (!isEnded() && !running.stderr.includes(step.title)) await Promise.race([sleep(2), ended]);
      await Promise.race([sleep(afterMs), ended]);
      if (!isEnded()) this.early++;
      if (withCommands) killAll(running);
      else running.child.kill('SIGKILL');
      await ended;
      this.kills++;
      await this.#look();
    } catch (error) {
      // Mocha prints no cause.
      const kill = { kill: this.kills, command: step.command, isLate, afterMs, withCommands };
      const cause = inspect(error, { maxStringLength: Infinity });
      throw new Error(`UNPACKD_TEST_SEED=${SEED}, ${JSON.stringify(kill)}: ${cause}`, { cause: error });
    }
  }

  async #finish(step: Step): Promise<void> {
    const { status, stdout, stderr } = await runHere(this.#words(step));
    // What was done to its end before the kill finds nothing to do.
    const isDone = status === 2 && stderr.includes('argument-unknown');
    assert.ok(
      status === 0 || isDone,
      `UNPACKD_TEST_SEED=${SEED}, kill ${this.kills}, ${step.command}: ${status} ${stdout} ${stderr}`,
    );
    assert.ok(await this.#look(), 'nothing is mounted');
  }

  /** @returns whether there was anything to look at */
  async #look(): Promise<boolean> {
    const site = await this.#site.pinned();
    if (site !== undefined) await this.#checkVisible(site);
    return site !== undefined;
  }

  /** A public name is gone, or leads to all that belongs there; the store is always one that podman can read. */
  async #checkVisible(site: Site): Promise<void> {
    for (const [name, tree] of this.#trees) {
      const link = lstatSync(site.path(name), { throwIfNoEntry: false });
      if (link === undefined) assert.ok(name.includes('/gone/'), `${name} is gone`);
      else assert.deepEqual(differences(await treeOf(site, name), tree), [], name);
    }
    for (const id of idsIn(site, 'images'))
      assert.ok(existsSync(site.path(`podmanStore/overlay-images/${id}/manifest`)), id);
    for (const id of idsIn(site, 'layers')) {
      const tree = readlinkSync(site.path(`podmanStore/overlay/${id}/diff`));
      const path = relative(join(CLIENT_ROOT, REPOSITORY), tree);
      assert.ok(existsSync(site.path(path)), `layer ${id} of the podman store leads to ${path}`);
    }
  }

  async #checkEnd(whole: Snapshot): Promise<void> {
    const said = `UNPACKD_TEST_SEED=${SEED}, kill ${this.kills}`;
    this.#checkNames();
    assert.deepEqual(differences(await wholeOf(this.#site), whole), [], said);
    assert.deepEqual(this.#site.fixture?.problems(REPOSITORY) ?? [], [], said);
    assert.deepEqual(this.#left(), [], said);
    const { status, stdout } = await runHere(['verify', REPOSITORY, ...this.#site.options]);
    assert.equal(status, 0, `${said}: ${stdout}`);
  }

  /** What publications leave beside the repository when they do not end. */
  #left(): string[] {
    const { fixture, root } = this.#site;
    if (fixture === undefined)
      return readdirSync(join(root, `.unpackd-${REPOSITORY}`)).filter((name) => name !== 'lock');
    return readdirSync(join(fixture.spool, REPOSITORY)).filter((name) =>
      /transaction|publishing|\.part$/.test(name),
    );
  }

  #checkNames(): void {
    for (const name of this.#scene.names()) {
      const isThere = lstatSync(this.#site.path(name), { throwIfNoEntry: false }) !== undefined;
      assert.equal(isThere, name.includes('/kept/'), name);
    }
  }

  #words({ command, words }: Step): string[] {
    const all = words(this.#scene.host);
    return [...(command === 'remove' ? [command] : []), ...all, ...this.#site.options];
  }
}

async function treeOf(site: Site, name: string): Promise<Snapshot> {
  return await snapshot(`${await site.clientPath(name)}/`);
}

function idsIn(site: Site, kind: 'images' | 'layers'): string[] {
  const list = readFileSync(site.path(`podmanStore/overlay-${kind}/${kind}.json`), 'utf8');
  return (JSON.parse(list) as { readonly id: string }[]).map(({ id }) => id);
}

// Verification asks for owners, which the double of cvmfs_server has for root alone.
describeWith(['root'], 'e2e/kill-collection', function () {
  this.timeout(900_000 + KILLS * 30_000);
  const registries: TestRegistry[] = [];
  const sites: Site[] = [];
  const lanes = new Map<BackendKind, { readonly lane: Lane; readonly ended: Promise<void> }>();

  before(async () => {
    // Both at the same time: each waits most of the time for a process to start. Tags move, so each has its own registry.
    for (const [number, kind] of BACKENDS.entries()) {
      const [registry, site] = [await TestRegistry.start(), await Site.make(kind)];
      registries.push(registry);
      sites.push(site);
      const lane = new Lane(site, await Scene.on(registry), number);
      const ended = lane.run();
      ended.catch(() => undefined);
      lanes.set(kind, { lane, ended });
    }
  });
  after(async () => {
    await Promise.allSettled(Array.from(lanes.values(), ({ ended }) => ended));
    for (const site of sites) await site.close();
    for (const registry of registries) await registry.close();
  });

  for (const kind of BACKENDS)
    it(`ends right with the next run, backend ${kind}: ${KILLS} times, seed ${SEED}`, async () => {
      const { lane, ended } = lanes.get(kind) ?? {};
      await ended;
      assert.ok(lane !== undefined && (KILLS < 4 || lane.early > 0));
    });
});
