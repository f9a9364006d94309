import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { Database } from '../../daemon/state/sqlite/database.ts';
import { databasePath } from '../../daemon/state/state-files.ts';
import { faults } from '../support/cvmfs-server/fixture.ts';
import { dyingOf, STAGES, type Death, type Stage } from '../support/e2e/dying.ts';
import { killAll } from '../support/e2e/processes.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { BACKENDS, REPOSITORY, Site, type BackendKind } from '../support/e2e/site.ts';
import type { Outcome, RunOptions } from '../support/e2e/unpackd.ts';
import { image, type Image } from '../support/images/image.ts';
import { file } from '../support/images/layer-entry.ts';
import { layer } from '../support/images/layer.ts';
import { openState } from '../../daemon/state/open-state.ts';

interface Report {
  readonly images: readonly {
    readonly image: string;
    readonly outcome: string;
    readonly code?: string;
    readonly message?: string;
    readonly hint?: string;
  }[];
}

async function imageWith(name: string, text: string): Promise<Image> {
  return image({ layers: [await layer([file(name, text)])] });
}

describe('e2e/killed-process', () => {
  let registry: TestRegistry;
  let site: Site;
  let bad: string;
  let good: string;

  async function begin(kind: BackendKind): Promise<void> {
    registry = await TestRegistry.start();
    site = await Site.make(kind);
    bad = registry.add('lab/deadly', '1', await imageWith('deadly', 'one'));
    good = registry.add('lab/good', '1', await imageWith('good', 'x'));
  }
  afterEach(async () => {
    await registry.close();
    await site.close();
  });

  const isShown = (wish: string): boolean => existsSync(site.path(wish.replace('http://', '')));
  const nameOf = (wish: string): string => wish.replace('http://', '');

  async function convert(wishes: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return await site.convert(wishes, ['--json'], { uncovered: true, ...options });
  }

  /** Lets a run die, as it must. */
  async function die(stage: Stage, wishes = [bad, good], how: Death = 'SIGKILL'): Promise<void> {
    const running = site.startConvert(wishes, [], {
      uncovered: true,
      environment: dyingOf('deadly', stage, how),
    });
    const { status, stderr } = await running.ended();
    assert.equal([undefined, 134, 70].includes(status), true, `${status}: ${stderr}`);
    // What a killed run of cvmfs_server leaves is not what this is about.
    killAll(running);
  }

  function codes({ stdout }: Outcome): Record<string, string> {
    const { images }: Report = JSON.parse(stdout);
    return Object.fromEntries(images.map(({ image: name, code, outcome }) => [name, code ?? outcome]));
  }

  async function suspects(): Promise<{ image: string; count: number; stage: string }[]> {
    const { stdout } = await site.command(['status', '--json']);
    return JSON.parse(stdout).repositories.flatMap((one: { suspects: unknown[] }) => one.suspects);
  }

  async function underWay(): Promise<number> {
    const database = await Database.openToRead(databasePath(site.state));
    const [row] = await database.all('SELECT count(*) AS count FROM under_way');
    await database.close();
    return Number(row?.['count']);
  }

  for (const kind of BACKENDS) {
    // Where nothing is open on a repository, it does not matter of which kind it is.
    for (const stage of kind === 'cvmfs' ? (['publishing'] as const) : STAGES) {
      it(`publishes the others at the next start, whatever it was doing: ${stage}, backend ${kind}`, async () => {
        await begin(kind);
        const images = [bad, good];
        // The first time both may have been under way, and the second time the bad one may come first.
        for (let count = 1; count <= 3; count++) await die(stage, images);
        assert.equal(isShown(good), true);
        assert.equal(isShown(bad), false);
        const [suspect, ...others] = await suspects();
        assert.deepEqual([suspect?.image, suspect?.count, others], [nameOf(bad), 2, []]);
        // Nobody knows what it is where it is not even looked at.
        const options = stage === 'looking' ? {} : { environment: dyingOf('deadly', stage) };
        const given = await convert(images, options);
        assert.equal(given.status, 1, given.stderr);
        assert.deepEqual(codes(given), { [nameOf(bad)]: 'killed-process', [nameOf(good)]: 'unchanged' });
      });
    }
  }

  it('counts also what memory ended', async () => {
    await begin('directory');
    // Both may have been under way the first time, and the bad one may come first the second time.
    for (let count = 1; count <= 3; count++) await die('composing', [bad, good], 'memory');
    assert.equal(isShown(good), true);
    assert.equal(isShown(bad), false);
  });

  it('counts also what was thrown where nobody could catch it', async () => {
    await begin('directory');
    for (let count = 1; count <= 3; count++) await die('fetching', [bad, good], 'callback');
    assert.equal(isShown(good), true);
    assert.deepEqual(
      (await suspects()).map((suspect) => suspect.image),
      [nameOf(bad)],
    );
  });

  it('tries an image again when its tag leads to another one, or somebody says so', async () => {
    await begin('directory');
    for (let count = 0; count < 3; count++) await die('fetching', [bad]);
    const refused = await convert([bad]);
    const [{ message = '', hint = '' } = {}] = (JSON.parse(refused.stdout) as Report).images;
    assert.match(
      message,
      /^unpackd was killed 3 times while it was fetched and listed, and nothing else was under way$/,
    );
    assert.ok(hint.includes(`unpackd retry ${nameOf(bad)}`), hint);
    registry.add('lab/deadly', '1', await imageWith('deadly', 'two'));
    assert.equal((await convert([bad])).status, 0);
    assert.deepEqual(await suspects(), []);

    registry.add('lab/deadly', '1', await imageWith('deadly', 'three'));
    for (let count = 0; count < 3; count++) await die('fetching', [bad]);
    assert.equal((await convert([bad])).status, 1);
    assert.equal((await site.command(['retry', nameOf(bad)])).status, 0);
    assert.equal((await convert([bad])).status, 0);
    assert.deepEqual(await suspects(), []);
  });

  it('does not count a run that was stopped, nor what had ended before', async () => {
    await begin('directory');
    assert.equal((await convert([good])).status, 0);
    const running = site.startConvert([bad, good], [], { uncovered: true });
    running.child.kill('SIGTERM');
    await running.ended();
    assert.equal((await convert([good])).status, 0);
    assert.deepEqual(await suspects(), []);
  });

  for (const isStopped of [true, false]) {
    it(`${isStopped ? 'does not count' : 'counts'} a daemon that is killed ${isStopped ? 'while it stops' : 'as it is'}`, async () => {
      await begin('cvmfs');
      site.fixture?.inject(faults['hang-read']);
      const daemon = site.startDaemon(site.configuration([`- file: ${site.recipe([good])}`]), [], {
        uncovered: true,
      });
      await daemon.until(() => site.fixture?.calls().some(({ command }) => command === 'ingest') === true);
      if (isStopped) {
        daemon.child.kill('SIGTERM');
        await daemon.until(async () => (await underWay()) === 0);
      }
      killAll(daemon);
      await daemon.ended();
      site.fixture?.inject(undefined);
      const { stderr } = await convert([good]);
      assert.equal(stderr.includes('unpackd was killed 1 time while it was published'), !isStopped, stderr);
      assert.equal(isShown(good), true);
    });
  }

  it('ends with a daemon that goes on without the image, tries it later and later, and says so', async () => {
    await begin('directory');
    const configuration = site.configuration([`- file: ${site.recipe([bad, good])}`]);
    const start = () =>
      site.startDaemon(configuration, [], { uncovered: true, environment: dyingOf('deadly', 'composing') });
    for (let count = 0; count < 2; count++) {
      const { status } = await start().ended();
      assert.equal(status, undefined);
    }
    const daemon = start();
    try {
      await daemon.until(() => daemon.stderr.includes('unpackd was killed 2 times') && isShown(good));
      registry.requests();
      await daemon.until(() => registry.requests().some((line) => line.includes('lab/good/manifests')));
      const { stdout } = await site.command(['status', '--json']);
      const [{ failing, suspects: found }] = JSON.parse(stdout).repositories;
      assert.deepEqual(
        [failing[0].failure.code, failing[0].tries, found[0].count, found[0].stage],
        ['killed-process', 1, 2, 'composing'],
      );
      const { stdout: text } = await site.command(['status']);
      assert.match(text, /lab\/deadly:1, .*: unpackd was killed 2 times while it was composed/);
    } finally {
      daemon.child.kill('SIGTERM');
      assert.equal((await daemon.ended()).status, 0, daemon.stderr);
    }
    const state = await openState(site.state, assert.fail);
    const { nextTryMs = 0 } = (await state.attempts.failing(REPOSITORY)).get(nameOf(bad)) ?? {};
    await state.close();
    assert.ok(nextTryMs > Date.now() + 200_000);
  });
});
