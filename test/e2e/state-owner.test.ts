import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, chownSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { databaseFiles, databasePath } from '../../daemon/state/state-files.ts';
import { smallImage } from '../support/e2e/images.ts';
import { ORDINARY_USER, ordinaryUser, USER, type OrdinaryUser } from '../support/e2e/ordinary-user.ts';
import { describeWith } from '../support/programs.ts';
import { killAll } from '../support/e2e/processes.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { REPOSITORY, Site } from '../support/e2e/site.ts';
import { environmentOf, MAIN, run, Running, type Outcome } from '../support/e2e/unpackd.ts';
import { openState } from '../../daemon/state/open-state.ts';

/** Whom all that lies below a folder belongs to. */
function owners(folder: string): number[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return [...new Set(names.map((name) => statSync(join(folder, name)).uid))];
}

describeWith(ORDINARY_USER, 'e2e/state-owner', function () {
  this.timeout(300_000);
  let user: OrdinaryUser;
  let registry: TestRegistry;
  let site: Site;
  /** Of the ordinary user, as a package leaves it for the service's. */
  let state: string;
  let started: Running[];

  beforeEach(async () => {
    user = await ordinaryUser();
    registry = await TestRegistry.start();
    site = await Site.make('directory');
    chmodSync(site.folder, 0o755);
    state = await user.directory();
    started = [];
  });
  afterEach(async () => {
    for (const running of started) {
      killAll(running);
      await running.ended();
    }
    await registry.close();
  });

  async function asRoot(...words: readonly string[]): Promise<Outcome> {
    return await run([...words, '--state', state, '--root', site.root]);
  }

  async function asUser(...words: readonly string[]): Promise<Outcome> {
    return await startAsUser(...words, '--state', state).ended();
  }

  function startAsUser(...words: readonly string[]): Running {
    const running = new Running(user.start(MAIN, words, environmentOf({ uncovered: true })));
    started.push(running);
    return running;
  }

  /** A daemon of the owner of the state. */
  async function startDaemon(name: string): Promise<Running> {
    mkdirSync(site.root, { recursive: true });
    chownSync(site.root, USER, USER);
    const recipe = site.recipe([registry.add('lab/app', name, await smallImage(name))]);
    const configuration = site.configuration([`- file: ${recipe}`]);
    return startAsUser('daemon', '--config', configuration, '--state', state, '--root', site.root);
  }

  function isShown(name: string): boolean {
    return existsSync(site.path(`${registry.host}/lab/app:${name}/etc/release`));
  }

  it('root asks for the status first of all: nothing is made, and the daemon remembers what it does', async () => {
    const { status, stdout } = await asRoot('status');
    assert.deepEqual([status, readdirSync(state)], [0, []], stdout);
    const daemon = await startDaemon('one');
    await daemon.until(() => isShown('one'));
    await daemon.until(async () => (await asRoot('status')).stdout.includes('published: 1 image'));
    const { status: later, stdout: text } = await asRoot('status');
    assert.equal(later, 0, text);
    assert.deepEqual(owners(state), [USER]);
    assert.doesNotMatch(daemon.stderr, /database/);
  });

  it('root pauses first of all: the database is made for the owner of the state', async () => {
    const { status, stderr } = await asRoot('pause');
    assert.equal(status, 0, stderr);
    assert.deepEqual(owners(state), [USER]);
    assert.equal((await asUser('resume')).status, 0);
    // Beside one that is open, with which two files come.
    const daemon = await startDaemon('one');
    await daemon.until(() => isShown('one'));
    assert.equal((await asRoot('pause')).status, 0);
    assert.deepEqual(owners(state), [USER]);
  });

  for (const words of [
    ['convert', 'RECIPE'],
    ['convert-single-image', 'quay.io/lab/app:1', REPOSITORY],
    ['loop', 'RECIPE'],
    ['wishlist', 'sources'],
  ])
    it(`root runs ${words[0]}: it says whose the state is, with exit 3, and makes nothing`, async () => {
      const recipe = site.recipe(['quay.io/lab/app:1']);
      const given = words.map((word) => (word === 'RECIPE' ? recipe : word));
      const { status, stderr } = await asRoot(...given);
      assert.equal(status, 3, stderr);
      assert.match(stderr, /^error\[state-unusable\] .* belongs to \S+.*; .*(?:runuser|--state)/m);
      assert.deepEqual(readdirSync(state), []);
    });

  it('root checks a recipe: nothing is made', async () => {
    const recipe = site.recipe([registry.add('lab/app', '1', await smallImage('1'))]);
    assert.equal((await run(['wishlist', 'check', recipe, '--state', state])).status, 0);
    assert.equal((await run(['wishlist', 'expand', recipe, '--state', state])).status, 0);
    assert.deepEqual(readdirSync(state), []);
  });

  it('a database that is root\u2019s: the status is red, without a daemon and with one, which says so once', async () => {
    await (await openState(state, assert.fail)).close();
    chownSync(databasePath(state), 0, 0);
    const before = await asRoot('status');
    assert.equal(before.status, 1, before.stdout);
    assert.match(before.stdout, /nothing is recorded: .*"chown .*\[state-unusable\]$/m);
    const daemon = await startDaemon('one');
    await daemon.until(() => isShown('one'));
    await daemon.until(() => /unpackd\.db cannot be used: it cannot be opened/.test(daemon.stderr));
    let looks = 0;
    registry.requests();
    await daemon.until(() => {
      looks += registry.requests().filter((line) => line.endsWith('/manifests/one')).length;
      return looks >= 3;
    });
    const { status, stdout } = await asRoot('status', '--json');
    assert.equal(status, 1, stdout);
    const { isWell, daemon: activity } = JSON.parse(stdout);
    assert.deepEqual([isWell, activity.databaseFailure.code], [false, 'state-unusable']);
    assert.equal(daemon.stderr.match(/^.* nothing is recorded$/gm)?.length, 1, daemon.stderr);
    for (const file of databaseFiles(databasePath(state))) if (existsSync(file)) chownSync(file, USER, USER);
    await daemon.until(() => /the database can be used again/.test(daemon.stderr));
    await daemon.until(async () => (await asRoot('status')).status === 0);
  });

  it('another user asks for the status: it is closed to him, also where it was open, and he is told what to do', async () => {
    mkdirSync(site.state, { mode: 0o755 });
    await (await openState(site.state, assert.fail)).close();
    for (const file of ['unpackd.db', 'daemon.lock']) {
      appendFileSync(join(site.state, file), '');
      chmodSync(join(site.state, file), 0o644);
    }
    const recipe = site.recipe([registry.add('lab/app', 'one', await smallImage('one'))]);
    const daemon = site.startDaemon(site.configuration([`- file: ${recipe}`]));
    started.push(daemon);
    await daemon.until(() => isShown('one'));
    assert.match(
      daemon.stderr,
      new RegExp(`${site.state} is closed to other users now \\(it had mode 0755\\)`),
    );
    const { status, stderr } = await startAsUser('status', '--state', site.state).ended();
    assert.equal(status, 3, stderr);
    assert.match(stderr, /^error\[state-unusable\] .*; ask as the user of unpackd, or as root$/m);
  });
});
