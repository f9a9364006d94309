import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { killAll } from '../../support/e2e/processes.ts';
import { pseudoRandom } from '../../support/e2e/pseudo-random.ts';
import { TestRegistry } from '../../support/e2e/registry.ts';
import { Site } from '../../support/e2e/site.ts';
import { start, type Running } from '../../support/e2e/unpackd.ts';
import { isRoot } from '../../support/programs.ts';
import { image, type Image } from '../../support/images/image.ts';
import { directory, file, hardLink, opaque, symlink, whiteout } from '../../support/images/layer-entry.ts';
import { layer } from '../../support/images/layer.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { differences, snapshot } from '../../support/trees/snapshot.ts';
import { describeServer, type Subject } from './subject.ts';

const SEED = Number(process.env['UNPACKD_TEST_SEED'] ?? randomInt(2 ** 31));
/** On a real release manager each takes some ten seconds. */
const KILLS = Number(process.env['TEST_KILLS'] ?? 1);
const LIMIT_MS = 900_000 + KILLS * 120_000;

/** Publishes ever new versions of an image into one repository, and kills each time what does so. */
class Killer {
  readonly #subject: Subject;
  readonly #registry: TestRegistry;
  /** Has what should be published. */
  readonly #reference: Site;
  readonly #folder: string;
  readonly #random = pseudoRandom(SEED);

  private constructor(subject: Subject, registry: TestRegistry, reference: Site, folder: string) {
    this.#subject = subject;
    this.#registry = registry;
    this.#reference = reference;
    this.#folder = folder;
  }

  static async start(subject: Subject): Promise<Killer> {
    // Where it is no root's, the double keeps all folders writable.
    const reference = await Site.make(isRoot() ? 'directory' : 'cvmfs');
    return new Killer(subject, await TestRegistry.start(), reference, await temporaryDirectory('kills'));
  }

  /** Publishes a version undisturbed. @returns how long it took in milliseconds, and how long from when it began to publish */
  async measure(): Promise<readonly [wholeMs: number, publicationMs: number]> {
    const wishes = await this.#tag(0);
    const begin = performance.now();
    const running = this.#convert(wishes);
    await running.until(() => isPublishing(running));
    const publication = performance.now();
    const { status, stderr } = await running.ended();
    assert.equal(status, 0, stderr);
    await this.#check(wishes);
    return [performance.now() - begin, performance.now() - publication];
  }

  /** Kills a run in which the version `number` is published, and lets another one end. */
  async kill(number: number, [wholeMs, publicationMs]: readonly [number, number]): Promise<void> {
    const wishes = await this.#tag(number);
    const inPublication = number % 4 !== 0;
    const withCommands = number % 2 === 0;
    const afterMs = this.#random() * (inPublication ? publicationMs : wholeMs);
    try {
      const running = this.#convert(wishes);
      if (inPublication) await running.until(() => isPublishing(running));
      await Promise.race([sleep(afterMs), running.ended()]);
      if (withCommands) killAll(running);
      else running.child.kill('SIGKILL');
      await running.ended();
      const { status, stderr } = await this.#convert(wishes).ended();
      assert.equal(status, 0, stderr);
      await this.#check(wishes);
    } catch (error) {
      const kill = { number, inPublication, withCommands, afterMs };
      throw new Error(`UNPACKD_TEST_SEED=${SEED}, ${JSON.stringify(kill)}`, { cause: error });
    }
  }

  async close(): Promise<void> {
    await this.#registry.close();
    await this.#reference.close();
  }

  /** Lets a tag lead to another image, and adds one. */
  async #tag(number: number): Promise<string[]> {
    const { app, tool } = await imagesOf(number);
    return [this.#registry.add('lab/app', 'latest', app), this.#registry.add('lab/tool', `v${number}`, tool)];
  }

  #convert(wishes: readonly string[]): Running {
    const { fixture, repository } = this.#subject;
    const recipe = join(this.#folder, 'recipe.yaml');
    const items = wishes.map((wish) => `  - '${wish}'`);
    writeFileSync(recipe, ['version: 1', `cvmfs_repo: '${repository}'`, 'input:', ...items, ''].join('\n'));
    const options =
      fixture === undefined
        ? {}
        : {
            root: fixture.root,
            'cvmfs-server': fixture.command,
            'cvmfs-spool': fixture.spool,
            'cvmfs-configuration': dirname(fixture.config),
          };
    const double = Object.entries(options).map(([key, value]) => `--${key}=${value}`);
    const state = join(this.#folder, 'state');
    const words = [
      'convert',
      recipe,
      '--backend',
      'cvmfs',
      '--state',
      state,
      '--progress',
      'plain',
      ...double,
    ];
    return start(words, { uncovered: true });
  }

  /** The public names lead to what they should, as clients see it. */
  async #check(wishes: readonly string[]): Promise<void> {
    assert.equal((await this.#reference.convertHere(wishes)).status, 0);
    for (const wish of wishes) {
      const name = `${wish.replace('http://', '')}/`;
      const [found, expected] = [join(this.#subject.view, name), this.#reference.path(name)];
      assert.deepEqual(differences(await snapshot(found), await snapshot(expected)), [], name);
    }
  }
}

/** Upon a base that stays; an attribute makes a union transaction of its own necessary. */
async function imagesOf(number: number): Promise<{ readonly app: Image; readonly tool: Image }> {
  const base = await layer([
    directory('etc'),
    file('etc/release', 'base\n'),
    directory('usr'),
    ...Array.from({ length: 50 }, (_, at) => file(`usr/${at}`, `${at}\n`.repeat(4_000))),
    hardLink('usr/linked', 'usr/1'),
    symlink('bin', 'usr'),
  ]);
  const upper = await layer([
    directory('etc'),
    file('etc/release', `${number}\n`),
    directory('usr'),
    whiteout('usr/2'),
    directory('opt'),
    opaque('opt'),
    ...Array.from({ length: 20 }, (_, at) => file(`opt/${at}`, `${number} ${at}\n`.repeat(4_000))),
  ]);
  const more = await layer([directory('opt'), file('opt/tool', `${number}`, { xattrs: { 'user.x': 'y' } })]);
  return { app: image({ layers: [base, upper] }), tool: image({ layers: [base, more] }) };
}

describeServer('support-tests/cvmfs-server/kills', (subject) => {
  it(`ends right with the next run: ${KILLS} times, seed ${SEED}`, async function () {
    this.timeout(LIMIT_MS);
    const killer = await Killer.start(subject());
    try {
      const durations = await killer.measure();
      for (let number = 1; number <= KILLS; number++) await killer.kill(number, durations);
    } finally {
      await killer.close();
    }
  });
});

function isPublishing({ stderr }: Running): boolean {
  return /publishing \d+ images?/.test(stderr);
}
