import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect, promisify } from 'node:util';
import { killAll } from '../support/e2e/processes.ts';
import { pseudoRandom } from '../support/e2e/pseudo-random.ts';
import { wholeOf } from '../support/e2e/published.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { BACKENDS, REPOSITORY, Site, type BackendKind } from '../support/e2e/site.ts';
import type { Running } from '../support/e2e/unpackd.ts';
import { image, type Image } from '../support/images/image.ts';
import { directory, file, hardLink, opaque, symlink, whiteout } from '../support/images/layer-entry.ts';
import { layer } from '../support/images/layer.ts';
import { differences, snapshot, type Snapshot } from '../support/trees/snapshot.ts';

const copy = promisify(execFile);

const SEED = Number(process.env['UNPACKD_TEST_SEED'] ?? randomInt(2 ** 31));
/** Each combination of what a {@link Kill} says comes up in eight. */
const KILLS = Number(process.env['TEST_KILLS'] ?? 8);
const LIMIT_MS = 900_000 + KILLS * 30_000;

/** Two images on a shared layer. With another `version` the upper layer of the first is another. */
async function images(version: string): Promise<{ readonly app: Image; readonly tool: Image }> {
  const base = await layer([
    directory('etc'),
    file('etc/release', 'base\n'),
    directory('usr'),
    directory('usr/data'),
    ...Array.from({ length: 6 }, (_, index) => file(`usr/data/${index}`, `${index}\n`.repeat(5000))),
    hardLink('usr/data/linked', 'usr/data/1'),
    symlink('usr/link', 'data'),
  ]);
  const upper = await layer([
    directory('etc'),
    file('etc/release', `${version}\n`),
    whiteout('usr/data/2'),
    directory('opt', { mode: 0o555 }),
    opaque('opt'),
    file('opt/version', version, { mode: 0o400 }),
  ]);
  return { app: image({ layers: [base, upper] }), tool: image({ layers: [base] }) };
}

const NAMES = ['lab/app:latest', 'lab/tool:1'] as const;

/** What an undisturbed run leaves, from nothing or from what an earlier version had published. */
interface Reference {
  readonly durationMs: number;
  /** From the beginning of the publication on. */
  readonly publicationMs: number;
  readonly whole: Snapshot;
}

/** How a run is killed. */
interface Kill {
  readonly isUpdate: boolean;
  /** In the publication, and not at any moment: on a directory that is a small part of the time. */
  readonly inPublication: boolean;
  /** With every process that it started. */
  readonly withCommands: boolean;
  readonly afterMs: number;
}

/** One backend, over and over: a run that is killed, a look at what is visible, a run that is not killed. */
class Lane {
  readonly #kind: BackendKind;
  readonly #wishes: readonly string[];
  readonly #host: string;
  readonly #random: () => number;
  /** A repository of the directory kind in which the names lead to an earlier version. */
  readonly #earlier: Site | undefined;

  constructor(kind: BackendKind, registry: TestRegistry, earlier: Site | undefined) {
    this.#kind = kind;
    this.#host = registry.host;
    this.#wishes = NAMES.map((name) => `http://${registry.host}/${name}`);
    this.#random = pseudoRandom(SEED + BACKENDS.indexOf(kind));
    this.#earlier = earlier;
  }

  async run(): Promise<void> {
    const references = [await this.#reference(false)];
    if (this.#earlier !== undefined) references.push(await this.#reference(true));
    for (let number = 0; number < KILLS; number++) {
      const reference = references[number % references.length];
      assert.ok(reference !== undefined);
      const inPublication = Math.floor(number / 4) % 2 === 1;
      const moment = this.#random();
      await this.#killOnce(reference, {
        isUpdate: number % references.length === 1,
        inPublication,
        withCommands: Math.floor(number / 2) % 2 === 1,
        // What the publication is measured by includes the end of the process, in which nothing happens any more.
        afterMs: inPublication ? moment ** 2 * reference.publicationMs : moment * reference.durationMs,
      });
    }
  }

  async #reference(isUpdate: boolean): Promise<Reference> {
    const site = await this.#site(isUpdate);
    try {
      const begin = performance.now();
      const running = site.startConvert(this.#wishes, [], { uncovered: true });
      await running.until(() => isPublishing(running));
      const publication = performance.now();
      const { status, stderr } = await running.ended();
      assert.equal(status, 0, stderr);
      const end = performance.now();
      return { durationMs: end - begin, publicationMs: end - publication, whole: await wholeOf(site) };
    } finally {
      await site.close();
    }
  }

  async #killOnce({ whole }: Reference, kill: Kill): Promise<void> {
    const site = await this.#site(kill.isUpdate);
    try {
      const running = site.startConvert(this.#wishes, [], { uncovered: true });
      if (kill.inPublication) await running.until(() => isPublishing(running));
      await Promise.race([sleep(kill.afterMs), running.ended()]);
      if (kill.withCommands) killAll(running);
      else running.child.kill('SIGKILL');
      await running.ended();
      await this.#checkVisible(site, whole);
      const { status, stderr } = await site.convertHere(this.#wishes);
      assert.equal(status, 0, stderr);
      assert.deepEqual(differences(await wholeOf(site), whole), []);
      this.#checkNothingLeft(site);
    } catch (error) {
      // Mocha prints no cause.
      const cause = inspect(error, { maxStringLength: Infinity });
      throw new Error(`${this.#kind}, UNPACKD_TEST_SEED=${SEED}, ${JSON.stringify(kill)}: ${cause}`, {
        cause: error,
      });
    } finally {
      await site.close();
    }
  }

  async #site(isUpdate: boolean): Promise<Site> {
    const site = await Site.make(this.#kind);
    if (isUpdate && this.#earlier !== undefined)
      await copy('cp', ['--archive', this.#earlier.root, this.#earlier.state, site.folder]);
    return site;
  }

  /** A public name is not there yet, leads to what it did before, or to all that belongs there. */
  async #checkVisible(site: Site, whole: Snapshot): Promise<void> {
    for (const name of NAMES) {
      const path = `${this.#host}/${name}`;
      if (!existsSync(site.path(path))) continue;
      assert.equal(lstatSync(site.path(path)).isSymbolicLink(), true);
      const found = await snapshot(site.path(`${path}/`));
      const version = found.get('opt/version');
      const flat = [...whole].find(
        ([at, line]) => at.endsWith('/opt/version') && line === version && isFlat(at),
      );
      const root = name === NAMES[0] ? flat?.[0].replace(/\/opt\/version$/, '') : targetOf(whole, path);
      assert.ok(root !== undefined, `${name} leads to something else`);
      assert.deepEqual(differences(found, below(whole, root)), [], name);
    }
  }

  #checkNothingLeft(site: Site): void {
    const spool = join(site.state, 'spool');
    assert.deepEqual(readdirSync(join(spool, 'tmp')), []);
    assert.deepEqual(readdirSync(join(spool, 'blobs', 'sha256')), []);
    if (site.fixture === undefined) {
      assert.deepEqual(readdirSync(join(site.root, `.unpackd-${REPOSITORY}`)), ['lock']);
      return;
    }
    const left = readdirSync(join(site.fixture.spool, REPOSITORY));
    assert.deepEqual(
      left.filter((name) => /transaction|publishing|\.part$/.test(name)),
      [],
    );
  }
}

describe('e2e/kill', function () {
  this.timeout(LIMIT_MS);
  let registry: TestRegistry;
  const lanes = new Map<BackendKind, Promise<void>>();

  before(async () => {
    registry = await TestRegistry.start();
    const publish = async (version: string): Promise<void> => {
      const { app, tool } = await images(version);
      registry.add('lab/app', 'latest', app);
      registry.add('lab/tool', '1', tool);
    };
    await publish('1');
    const earlier = await Site.make('directory');
    const wishes = NAMES.map((name) => `http://${registry.host}/${name}`);
    assert.equal((await earlier.convert(wishes)).status, 0);
    await publish('2');
    // Both at the same time: each waits most of the time for a process to start.
    for (const kind of BACKENDS) {
      const lane = new Lane(kind, registry, kind === 'directory' ? earlier : undefined).run();
      lane.catch(() => undefined);
      lanes.set(kind, lane);
    }
  });
  after(async () => {
    await Promise.allSettled(lanes.values());
    await registry.close();
  });

  for (const kind of BACKENDS) {
    it(`ends right with the next run, backend ${kind}: ${KILLS} times, seed ${SEED}`, async () => {
      await lanes.get(kind);
    });
  }
});

function isPublishing({ stderr }: Running): boolean {
  return stderr.includes('publishing 2 images') || stderr.includes('publishing 1 image');
}

function isFlat(path: string): boolean {
  return path.startsWith('.flat/');
}

/** Where the link at `path` leads, in the repository. */
function targetOf(whole: Snapshot, path: string): string | undefined {
  return whole
    .get(path)
    ?.split(' -> ')[1]
    ?.replace(/^(?:\.\.\/)+/, '');
}

function below(whole: Snapshot, root: string): Snapshot {
  const inside = [...whole].filter(([path]) => path.startsWith(`${root}/`));
  return new Map(inside.map(([path, line]) => [path.slice(root.length + 1), line]));
}
