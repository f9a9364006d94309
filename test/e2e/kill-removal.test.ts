import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { killAll } from '../support/e2e/processes.ts';
import { pseudoRandom } from '../support/e2e/pseudo-random.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { BACKENDS, REPOSITORY, Site, type BackendKind } from '../support/e2e/site.ts';
import { runHere, start, type Running } from '../support/e2e/unpackd.ts';
import { image } from '../support/images/image.ts';
import { file } from '../support/images/layer-entry.ts';
import { layer } from '../support/images/layer.ts';

const SEED = Number(process.env['UNPACKD_TEST_SEED'] ?? randomInt(2 ** 31));
const KILLS = Number(process.env['TEST_KILLS'] ?? 6);
const NAMES = ['lab/one:1', 'lab/two:1', 'lab/sub/three:1'] as const;

/** Takes names back and gives them again, over and over: killed, looked at, and run again. */
class Lane {
  readonly #site: Site;
  readonly #host: string;
  readonly #random: () => number;
  /** Of an undisturbed run, by the command. */
  readonly #durations = new Map<string, number>();
  killed = 0;

  constructor(site: Site, host: string, number: number) {
    this.#site = site;
    this.#host = host;
    this.#random = pseudoRandom(SEED + number);
  }

  async run(): Promise<void> {
    for (const command of ['remove', 'restore'] as const) {
      const begin = performance.now();
      const { status, stderr } = await this.#start(command).ended();
      assert.equal(status, 0, stderr);
      this.#durations.set(command, performance.now() - begin);
      await this.#check(command);
    }
    for (let number = 0; number < KILLS; number++) {
      const command = number % 2 === 0 ? 'remove' : 'restore';
      await this.#kill(command, Math.floor(number / 2) % 2 === 1);
      await this.#look();
      const { status, stdout, stderr } = await runHere(this.#words(command));
      // What was done to its end before the kill finds nothing to do.
      const isDone = status === 2 && stderr.includes('argument-unknown');
      assert.ok(status === 0 || isDone, `${status} ${stdout} ${stderr}`);
      await this.#check(command);
    }
  }

  async #kill(command: string, withCommands: boolean): Promise<void> {
    const running = this.#start(command);
    const isLate = this.#random() < 0.7;
    const duration = this.#durations.get(command) ?? 0;
    if (isLate) await running.until(() => running.stderr.includes(TITLES[command] ?? ''));
    const afterMs = isLate ? this.#random() ** 2 * (duration / 2) : this.#random() * duration;
    await Promise.race([sleep(afterMs), running.ended()]);
    if (running.child.exitCode === null) this.killed++;
    if (withCommands) killAll(running);
    else running.child.kill('SIGKILL');
    await running.ended();
  }

  #start(command: string): Running {
    return start(this.#words(command), { uncovered: true });
  }

  #words(command: string): string[] {
    // One publication for all: a pattern, and for "restore" too.
    return [command, `${this.#host}/lab/*:1`, ...this.#site.options];
  }

  #names(): string[] {
    return NAMES.map((name) => `${this.#host}/${name}`);
  }

  /** @returns what it looked at; `undefined`: nothing is mounted */
  async #look(): Promise<Site | undefined> {
    const site = await this.#site.pinned();
    if (site !== undefined) this.#checkVisible(site);
    return site;
  }

  /** A public name is gone, or leads to a whole tree; the store is always one that podman can read. */
  #checkVisible(site: Site): void {
    for (const name of this.#names()) {
      const path = site.path(name);
      if (lstatSync(path, { throwIfNoEntry: false }) !== undefined)
        assert.ok(existsSync(join(path, 'says')), name);
    }
    const lists = site.path('podmanStore/overlay-images/images.json');
    const images = JSON.parse(readFileSync(lists, 'utf8')) as { readonly id: string }[];
    for (const { id } of images)
      assert.ok(existsSync(site.path(`podmanStore/overlay-images/${id}/manifest`)), id);
  }

  async #check(command: 'remove' | 'restore'): Promise<void> {
    const site = await this.#look();
    assert.ok(site !== undefined, 'nothing is mounted');
    for (const name of this.#names().filter((one) => !one.includes('/sub/'))) {
      const isThere = command === 'restore';
      assert.equal(existsSync(site.path(`${name}/says`)), isThere, name);
      assert.equal(existsSync(site.path(`.metadata/${name}/manifest.json`)), isThere, name);
      assert.equal(existsSync(site.path(`.unpackd/removed/${name}`)), !isThere, name);
    }
    assert.ok(existsSync(site.path(`${this.#host}/lab/sub/three:1/says`)));
    assert.deepEqual(this.#site.fixture?.problems(REPOSITORY) ?? [], []);
    const left =
      this.#site.fixture === undefined
        ? readdirSync(join(this.#site.root, `.unpackd-${REPOSITORY}`)).filter((name) => name !== 'lock')
        : readdirSync(join(this.#site.fixture.spool, REPOSITORY)).filter((name) =>
            /transaction|publishing|\.part$/.test(name),
          );
    assert.deepEqual(left, []);
  }
}

const TITLES: Readonly<Record<string, string>> = { remove: 'removal of', restore: 'restoration of' };

describe('e2e/kill-removal', function () {
  this.timeout(900_000 + KILLS * 30_000);
  let registry: TestRegistry;
  const sites = new Map<BackendKind, Site>();

  before(async () => {
    registry = await TestRegistry.start();
    const base = await layer([file('base', 'base')]);
    for (const name of NAMES) {
      const [repository = ''] = name.split(':');
      registry.add(repository, '1', image({ layers: [base, await layer([file('says', name)])] }));
    }
    for (const kind of BACKENDS) {
      const site = await Site.make(kind);
      const { status, stderr } = await site.convertHere(
        NAMES.map((name) => `http://${registry.host}/${name}`),
      );
      assert.equal(status, 0, stderr);
      // Nobody asks for them any more.
      await site.convertHere([]);
      sites.set(kind, site);
    }
  });
  after(async () => {
    for (const site of sites.values()) await site.close();
    await registry.close();
  });

  for (const [number, kind] of BACKENDS.entries()) {
    it(`ends right with the next run, backend ${kind}: ${KILLS} times, seed ${SEED}`, async () => {
      const site = sites.get(kind);
      assert.ok(site !== undefined);
      const lane = new Lane(site, registry.host, number);
      await lane.run();
      assert.ok(KILLS < 4 || lane.killed > 0);
    });
  }
});
