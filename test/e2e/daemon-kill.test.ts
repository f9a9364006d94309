import assert from 'node:assert/strict';
import { createHash, randomInt } from 'node:crypto';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hexOf, type Digest } from '../../core/oci/digest.ts';
import { askActivity } from '../../daemon/service/control.ts';
import { Database } from '../../daemon/state/sqlite/database.ts';
import { databasePath } from '../../daemon/state/state-files.ts';
import { hasCode } from '../../core/system-error.ts';
import { killAll } from '../support/e2e/processes.ts';
import { pseudoRandom } from '../support/e2e/pseudo-random.ts';
import { wholeOf } from '../support/e2e/published.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { BACKENDS, REPOSITORY, Site, type BackendKind } from '../support/e2e/site.ts';
import type { Running } from '../support/e2e/unpackd.ts';
import { isRoot } from '../support/programs.ts';
import { image, type Image } from '../support/images/image.ts';
import { directory, file, hardLink, symlink, whiteout } from '../support/images/layer-entry.ts';
import { layer } from '../support/images/layer.ts';
import { differences, snapshot, type Snapshot } from '../support/trees/snapshot.ts';

const SEED = Number(process.env['UNPACKD_TEST_SEED'] ?? randomInt(2 ** 31));
/** On each backend. */
const KILLS = Number(process.env['TEST_DAEMON_KILLS'] ?? 4);
const LIMIT_MS = 900_000 + KILLS * 30_000;
const WATCH_MS = 50;
const QUIET = { uncovered: true };

/** The tags that move, each time to a new image. */
const NAMES = ['lab/app:latest', 'lab/tool:1'] as const;
type Name = (typeof NAMES)[number];

/** What a daemon does from its start on, as far as it can be seen from outside; downloads are listed meanwhile. */
const PHASES = ['start', 'look', 'fetch', 'publication', 'recording', 'idle'] as const;
type Phase = (typeof PHASES)[number];

/** One state of both tags. */
interface Version {
  readonly images: Readonly<Record<Name, Image>>;
  /** What the public names lead to. */
  readonly trees: Readonly<Record<Name, Snapshot>>;
}

interface Kill {
  /** It is killed so long after this has begun. */
  readonly phase: Phase;
  readonly afterMs: number;
  /** With every process that it started. */
  readonly withCommands: boolean;
  /** Whether the tags move once more while it runs. */
  readonly isMoved: boolean;
}

/** Moves the tags of a registry to images that nobody has seen before, and knows what each of them is, published. */
class Versions {
  readonly all: Version[] = [];
  readonly #registry: TestRegistry;
  readonly #reference: Site;

  private constructor(registry: TestRegistry, reference: Site) {
    this.#registry = registry;
    this.#reference = reference;
  }

  static async start(registry: TestRegistry, kind: BackendKind): Promise<Versions> {
    // Where it is no root's, the double keeps all folders writable.
    const versions = new Versions(registry, await Site.make(isRoot() ? 'directory' : kind));
    await versions.next();
    return versions;
  }

  get latest(): Version {
    const latest = this.all.at(-1);
    assert.ok(latest !== undefined);
    return latest;
  }

  async next(): Promise<void> {
    const number = this.all.length + 1;
    const images = await imagesOf(number);
    const known = NAMES.map((name) => {
      const repository = name.replace(/:.*/, '');
      return this.#registry.add(repository, `version-${number}`, images[name]);
    });
    const { status, stderr } = await this.#reference.convertHere(known);
    assert.equal(status, 0, stderr);
    const trees = await Promise.all(
      known.map(async (wish) => await snapshot(this.#reference.path(`${wish.replace('http://', '')}/`))),
    );
    const [app = new Map(), tool = new Map()] = trees;
    const version = { images, trees: { 'lab/app:latest': app, 'lab/tool:1': tool } };
    this.all.push(version);
    this.tag(version);
  }

  /** Lets the tags lead to `version`, a later or an earlier one. */
  tag({ images }: Version): void {
    for (const name of NAMES) {
      const [repository = '', tag = ''] = name.split(':');
      this.#registry.add(repository, tag, images[name]);
    }
  }
}

/** Two images on a shared layer that stays, with upper layers that no other version has. */
async function imagesOf(number: number): Promise<Version['images']> {
  // The same each time, and nothing that could be compressed.
  const noise = (seed: string): Buffer =>
    createHash('shake256', { outputLength: 20_000 }).update(seed).digest();
  const base = await layer([
    directory('etc'),
    file('etc/release', 'base\n'),
    directory('usr'),
    ...Array.from({ length: 4 }, (_, index) => file(`usr/${index}`, `${index}\n`.repeat(5000))),
    hardLink('usr/linked', 'usr/1'),
    symlink('usr/link', 'data'),
  ]);
  const app = await layer([
    directory('etc'),
    file('etc/release', `app ${number}\n`),
    directory('usr'),
    whiteout('usr/2'),
    directory('opt', { mode: 0o555 }),
    ...Array.from({ length: 3 }, (_, index) => file(`opt/${index}`, noise(`app ${number} ${index}`))),
  ]);
  const tool = await layer([
    directory('etc'),
    file('etc/release', `tool ${number}\n`),
    file('noise', noise(`tool ${number}`)),
  ]);
  return {
    'lab/app:latest': image({ layers: [base, app] }),
    'lab/tool:1': image({ layers: [base, tool] }),
  };
}

/** Looks all the time at what the public names lead to: each is not there, or leads to all of one version. */
class Watcher {
  readonly problems: string[] = [];
  looks = 0;
  readonly #site: Site;
  readonly #host: string;
  readonly #versions: Versions;
  #isWatching = true;
  readonly #ended: Promise<void>;

  constructor(site: Site, host: string, versions: Versions) {
    this.#site = site;
    this.#host = host;
    this.#versions = versions;
    this.#ended = this.#watch();
  }

  async end(): Promise<void> {
    this.#isWatching = false;
    await this.#ended;
  }

  async #watch(): Promise<void> {
    while (this.#isWatching) {
      for (const name of NAMES) await this.#look(name);
      await sleep(WATCH_MS);
    }
  }

  async #look(name: Name): Promise<void> {
    const root = this.rootOf(name);
    if (root === undefined) return;
    let problem: string | undefined;
    try {
      const found = await snapshot(root);
      const { all, latest } = this.#versions;
      if (!all.some((version) => isAlike(found, version.trees[name])))
        problem = `${name} leads to ${root}, of no version: ${differences(found, latest.trees[name]).join(', ')}`;
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error;
      problem = `${name} leads to ${root}, where something is missing: ${String(error)}`;
    }
    if (this.#isGone(root)) return;
    this.looks++;
    if (problem !== undefined) this.problems.push(problem);
  }

  /** What a public name leads to now, without symbolic links. */
  rootOf(name: Name): string | undefined {
    try {
      return realpathSync(this.#site.path(`${this.#host}/${name}`));
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  /** The double drops revisions that are not among the last two. */
  #isGone(root: string): boolean {
    const { fixture } = this.#site;
    const revision = /\/revisions\/(\d+)\//.exec(root)?.[1];
    return fixture !== undefined && Number(revision) < fixture.publications(REPOSITORY);
  }
}

function isAlike(one: Snapshot, other: Snapshot): boolean {
  return differences(one, other).length === 0;
}

/** A daemon of one site that is watched from outside. */
class Observed {
  readonly running: Running;
  readonly #lane: Lane;
  #hasFetched = false;

  constructor(lane: Lane, running: Running) {
    this.#lane = lane;
    this.running = running;
    lane.registry.requests();
  }

  /** Waits until it has come to `phase`, or past it. */
  async reach(phase: Phase): Promise<void> {
    const wanted = PHASES.indexOf(phase);
    if (phase === 'idle') return await this.#idle();
    await this.running.until(() => PHASES.indexOf(this.phase()) >= wanted);
  }

  /** What it does now. */
  phase(): Exclude<Phase, 'idle'> {
    const { site, watcher, versions } = this.#lane;
    const { latest } = versions;
    const isPublished = NAMES.every((name) => watcher.rootOf(name)?.endsWith(flatOf(latest.images[name])));
    if (isPublished) return 'recording';
    if (isPublishing(site)) return 'publication';
    const layers = new Set<string | undefined>(NAMES.map((name) => latest.images[name].layers[1]?.digest));
    this.#hasFetched ||= this.#lane.registry.blobRequests().some((digest) => layers.has(digest));
    if (this.#hasFetched) return 'fetch';
    return this.running.stderr.includes(' started: ') ? 'look' : 'start';
  }

  async #idle(): Promise<void> {
    await this.reach('recording');
    await this.running.until(async () => {
      const activity = await askActivity(this.#lane.site.state);
      const isBusy = activity?.repositories.some(
        ({ waiting, preparing, ready, publishing }) =>
          waiting + preparing.length + ready + publishing.length > 0,
      );
      return isBusy === false;
    });
  }
}

function isPublishing(site: Site): boolean {
  return site.fixture === undefined
    ? existsSync(join(site.root, `.unpackd-${REPOSITORY}`, 'staging'))
    : existsSync(join(site.fixture.spool, REPOSITORY, 'in_transaction.lock'));
}

/** Where an image's flat tree is. */
function flatOf({ blobs }: Image): string {
  const hex = hexOf(blobs[0]?.digest as Digest);
  return `.flat/${hex.slice(0, 2)}/${hex}`;
}

/** One backend: daemons that are killed, one after the other, on one site, while the tags move. */
class Lane {
  readonly kind: BackendKind;
  readonly site: Site;
  readonly registry: TestRegistry;
  readonly versions: Versions;
  readonly watcher: Watcher;
  /** What the daemons did when they were killed. */
  readonly hits = new Map<Phase, number>();
  readonly #random: () => number;
  readonly #configuration: string;

  private constructor(site: Site, kind: BackendKind, registry: TestRegistry, versions: Versions) {
    this.kind = kind;
    this.site = site;
    this.registry = registry;
    this.versions = versions;
    this.watcher = new Watcher(site, registry.host, versions);
    this.#random = pseudoRandom(SEED + BACKENDS.indexOf(kind));
    const recipe = site.recipe(this.wishes(NAMES));
    this.#configuration = site.configuration([`- file: ${recipe}`]);
  }

  static async run(kind: BackendKind): Promise<Lane> {
    const registry = await TestRegistry.start();
    const site = await Site.make(kind);
    const lane = new Lane(site, kind, registry, await Versions.start(registry, kind));
    try {
      await lane.#run();
      return lane;
    } finally {
      await lane.watcher.end();
      await registry.close();
      await site.close();
    }
  }

  wishes(names: readonly Name[]): string[] {
    return names.map((name) => `http://${this.registry.host}/${name}`);
  }

  async #run(): Promise<void> {
    const lengths = await this.#measure();
    for (let number = 0; number < KILLS; number++) {
      const phase = PHASES[number % PHASES.length] ?? 'start';
      const kill = {
        phase,
        afterMs: this.#random() * 1.2 * (lengths.get(phase) ?? 0),
        withCommands: this.#random() < 0.5,
        isMoved: this.#random() < 0.3,
      };
      try {
        await this.#forgive();
        await this.#kill(kill);
        assert.deepEqual(this.watcher.problems, []);
      } catch (error) {
        throw this.#toldOf(error, { number, ...kill });
      }
    }
    try {
      await this.#finish();
    } catch (error) {
      throw this.#toldOf(error, {});
    }
  }

  #toldOf(cause: unknown, kill: object): Error {
    const how = `${this.kind}, UNPACKD_TEST_SEED=${SEED} TEST_DAEMON_KILLS=${KILLS}, ${JSON.stringify(kill)}`;
    return new Error(`${how}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }

  /** How long each phase takes, in ms, when nobody is in the way. */
  async #measure(): Promise<Map<Phase, number>> {
    const lengths = new Map<Phase, number>();
    const daemon = new Observed(this, this.#start());
    let last = performance.now();
    for (const [index, phase] of PHASES.entries()) {
      const next = PHASES[index + 1];
      // An idle daemon looks again after a second.
      if (next === undefined) lengths.set(phase, 1000);
      else {
        await daemon.reach(next);
        lengths.set(phase, performance.now() - last);
        last = performance.now();
      }
    }
    await this.#stop(daemon);
    return lengths;
  }

  async #kill(kill: Kill): Promise<void> {
    await this.versions.next();
    const daemon = new Observed(this, this.#start());
    await daemon.reach(kill.phase);
    if (kill.isMoved) await this.versions.next();
    await Promise.race([sleep(kill.afterMs), daemon.running.ended()]);
    const phase = daemon.phase();
    if (kill.withCommands) killAll(daemon.running);
    else daemon.running.child.kill('SIGKILL');
    const { status, stderr } = await daemon.running.ended();
    assert.equal(status, undefined, stderr);
    assert.doesNotMatch(stderr, /error|damaged/);
    this.hits.set(phase, (this.hits.get(phase) ?? 0) + 1);
  }

  /** What has been under way twice when it was killed would wait for minutes. */
  async #forgive(): Promise<void> {
    const { status, stderr } = await this.site.command(['retry']);
    assert.equal(status, 0, stderr);
  }

  /** In the end one runs undisturbed. */
  async #finish(): Promise<void> {
    await this.versions.next();
    await this.#forgive();
    const daemon = new Observed(this, this.#start());
    await daemon.reach('idle');
    const { status, stdout } = await this.site.command(['status', '--json']);
    assert.equal(status, 0, stdout);
    assert.equal(JSON.parse(stdout).isWell, true);
    await this.#stop(daemon);
    await this.#checkDatabase();
    this.#checkNothingLeft();
    await this.#checkPublished();
    await this.watcher.end();
    assert.deepEqual(this.watcher.problems, []);
    assert.ok(this.watcher.looks > KILLS, `${this.watcher.looks} looks`);
  }

  #start(): Running {
    return this.site.startDaemon(this.#configuration, [], QUIET);
  }

  async #stop({ running }: Observed): Promise<void> {
    running.child.kill('SIGTERM');
    const { status, stderr } = await running.ended();
    assert.equal(status, 0, stderr);
  }

  /** The same as undisturbed runs leave, one for each version of which something was published. */
  async #checkPublished(): Promise<void> {
    const whole = await comparable(this.site);
    const reference = await Site.make(this.kind);
    try {
      for (const version of this.versions.all) {
        const names = NAMES.filter((name) => whole.has(flatOf(version.images[name])));
        if (names.length === 0) continue;
        this.versions.tag(version);
        const { status, stderr } = await reference.convertHere(this.wishes(names));
        assert.equal(status, 0, stderr);
      }
      assert.deepEqual(differences(whole, await comparable(reference)), []);
    } finally {
      await reference.close();
    }
  }

  async #checkDatabase(): Promise<void> {
    const database = await Database.open(databasePath(this.site.state));
    try {
      assert.deepEqual(await database.all('PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
    } finally {
      await database.close();
    }
    const damaged = readdirSync(this.site.state).filter((name) => name.includes('damaged'));
    assert.deepEqual(damaged, []);
  }

  #checkNothingLeft(): void {
    const spool = join(this.site.state, 'spool');
    // What was fetched of versions that nobody wants any more may lie there until the spool is full.
    const outdated = this.versions.all
      .slice(0, -1)
      .flatMap(({ images }) =>
        NAMES.flatMap((name) => images[name].layers.map(({ digest }) => hexOf(digest))),
      );
    const current = NAMES.flatMap((name) => this.versions.latest.images[name].layers);
    const allowed = new Set(outdated);
    for (const { digest } of current) allowed.delete(hexOf(digest));
    const left = [
      ...readdirSync(join(spool, 'blobs', 'sha256')),
      ...readdirSync(join(spool, 'tmp')).map((name) => basename(name, '.part')),
    ];
    assert.deepEqual(
      left.filter((name) => !allowed.has(name)),
      [],
    );
    const { fixture } = this.site;
    if (fixture === undefined) {
      assert.deepEqual(readdirSync(join(this.site.root, `.unpackd-${REPOSITORY}`)), ['lock']);
      return;
    }
    assert.deepEqual(
      readdirSync(join(fixture.spool, REPOSITORY)).filter((name) =>
        /transaction|publishing|\.part$/.test(name),
      ),
      [],
    );
  }
}

/** A layer's origin names the image that brought it first: chance decides which of two that is. */
async function comparable(site: Site): Promise<Snapshot> {
  return new Map([...(await wholeOf(site))].filter(([path]) => !path.endsWith('/.metadata/origin.json')));
}

describe('e2e/daemon-kill', function () {
  this.timeout(LIMIT_MS);
  const lanes = new Map<BackendKind, Promise<Lane>>();

  before(() => {
    // Both at the same time: each waits most of the time for a process to start.
    for (const kind of BACKENDS) {
      const lane = Lane.run(kind);
      lane.catch(() => undefined);
      lanes.set(kind, lane);
    }
  });

  for (const kind of BACKENDS) {
    it(`ends right with the next start, backend ${kind}: ${KILLS} times, seed ${SEED}`, async () => {
      const lane = await lanes.get(kind);
      assert.ok(lane !== undefined);
      // With fewer kills chance may leave one out.
      if (KILLS >= 50) for (const phase of PHASES.slice(0, -1)) assert.ok(lane.hits.has(phase), phase);
    });
  }
});
