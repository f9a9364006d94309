import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { richImage } from '../support/e2e/images.ts';
import { ORDINARY_USER, ordinaryUser, USER, type OrdinaryUser } from '../support/e2e/ordinary-user.ts';
import { killAll } from '../support/e2e/processes.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { REPOSITORY, Site, type BackendKind } from '../support/e2e/site.ts';
import { environmentOf, MAIN, Running } from '../support/e2e/unpackd.ts';
import { describeWith } from '../support/programs.ts';
import { differences, snapshot, type Snapshot } from '../support/trees/snapshot.ts';

/** Somebody who has nothing but a login. */
const ATTACKER = 65_533;
const UMASKS = [0, 0o077];

describeWith([...ORDINARY_USER, 'flock'], 'e2e/beside-an-attacker', function () {
  this.timeout(300_000);
  let registry: TestRegistry;
  let wishes: string[];
  let site: Site;
  let user: OrdinaryUser;
  let started: Running[];

  before(async () => {
    registry = await TestRegistry.start();
    wishes = [registry.add('lab/app', '1', await richImage())];
  });
  after(async () => {
    await registry.close();
  });
  beforeEach(async () => {
    user = await ordinaryUser();
    started = [];
  });
  afterEach(async () => {
    for (const running of started) {
      killAll(running);
      await running.ended();
    }
    await site.close();
  });

  /** Everybody can go where the site is. */
  async function openSite(kind: BackendKind): Promise<void> {
    site = await Site.make(kind);
    chmodSync(site.folder, 0o755);
    if (site.fixture !== undefined) chmodSync(site.fixture.top, 0o755);
  }

  /** A daemon with `umask`, as root or as the ordinary user, when it has published. */
  async function publish(umask: number, as: 'root' | 'user', words: readonly string[] = []): Promise<void> {
    const configuration = site.configuration([`- file: ${site.recipe(wishes)}`]);
    const before = process.umask(umask);
    try {
      const all = ['daemon', '--config', configuration, ...site.options, ...words];
      const running =
        as === 'root'
          ? site.startDaemon(configuration, words)
          : new Running(user.start(MAIN, all, environmentOf({ uncovered: true })));
      started.push(running);
    } finally {
      process.umask(before);
    }
    const [running] = started.slice(-1);
    await running?.until(() => existsSync(site.path(`${registry.host}/lab/app:1/etc/passwd`)));
  }

  /** What the attacker's command says. */
  function attack(...command: readonly string[]): { status: number | null; stderr: string } {
    const words = [`--reuid=${ATTACKER}`, `--regid=${ATTACKER}`, '--clear-groups'];
    // setpriv itself is still let in everywhere.
    const all = [...words, 'sh', '-c', '"$@"', 'sh', ...command];
    const { status, stderr } = spawnSync('setpriv', all, {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
    });
    return { status, stderr };
  }

  function assertKeptOut(path: string): void {
    assert.ok(existsSync(path), path);
    for (const command of [
      ['flock', '--nonblock', '--shared', path, 'true'],
      ['cat', path],
    ]) {
      const { status, stderr } = attack(...command);
      assert.notEqual(status, 0, `${command.join(' ')} succeeded`);
      assert.match(stderr, /Permission denied/);
    }
  }

  /** Of what is open to others, or not the user's: a line each. */
  function exposed(folder: string, owner: number): string[] {
    const names = ['', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })];
    return names.flatMap((name) => {
      const { mode, uid } = lstatSync(join(folder, name), { throwIfNoEntry: false }) ?? {
        mode: 0,
        uid: owner,
      };
      return (mode & 0o077) === 0 && uid === owner ? [] : [`${name} ${(mode & 0o7777).toString(8)} ${uid}`];
    });
  }

  const own = (): string => join(site.root, `.unpackd-${REPOSITORY}`);

  for (const [as, uid] of [
    ['root', 0],
    ['user', USER],
  ] as const) {
    it(`keeps him from all locks and files of ${as === 'root' ? 'root' : 'an ordinary user'}, whatever the umask`, async () => {
      const trees: Snapshot[] = [];
      for (const umask of UMASKS) {
        await openSite('directory');
        if (as === 'user') {
          mkdirSync(site.root);
          chownSync(site.root, uid, uid);
          mkdirSync(site.state);
          chownSync(site.state, uid, uid);
        }
        await publish(umask, as);
        for (const folder of [site.state, own()]) assert.deepEqual(exposed(folder, uid), []);
        for (const file of ['daemon.lock', 'unpackd.db', 'spool/lock', 'control.sock'])
          assertKeptOut(join(site.state, file));
        assertKeptOut(join(own(), 'lock'));
        assert.equal(lstatSync(site.published).mode & 0o7777, 0o755);
        trees.push(await snapshot(site.published));
        killAll(started[started.length - 1] as Running);
        await started.pop()?.ended();
        await site.close();
      }
      const [one, other] = trees.map(withoutTimes);
      assert.ok(one !== undefined && other !== undefined && one.size > 50);
      assert.deepEqual(differences(one, other), []);
    });
  }

  it("keeps him from its files among a release manager's", async () => {
    await openSite('cvmfs');
    await publish(0, 'root');
    assert.deepEqual(exposed(site.state, 0), []);
    const spool = join(site.fixture?.spool ?? '', REPOSITORY);
    chmodSync(spool, 0o755);
    assertKeptOut(join(spool, 'unpackd.lock'));
  });

  it('takes locks and files from him that were open before', async () => {
    await openSite('directory');
    for (const folder of [site.state, join(site.state, 'spool'), site.root, own()]) mkdirSync(folder);
    for (const file of [
      join(site.state, 'daemon.lock'),
      join(site.state, 'spool/lock'),
      join(own(), 'lock'),
    ]) {
      writeFileSync(file, '');
      chmodSync(file, 0o644);
    }
    assert.equal(attack('flock', '--nonblock', join(site.state, 'daemon.lock'), 'true').status, 0);
    await publish(0o022, 'root');
    for (const folder of [site.state, own()]) assert.deepEqual(exposed(folder, 0), []);
  });

  const places: readonly (readonly [what: string, mode: number, owner: number])[] = [
    ['in which everybody may write', 0o777, 0],
    ['in which his group may write', 0o770, 0],
    ["that is the attacker's, with the sticky bit", 0o1777, ATTACKER],
  ];
  for (const [what, mode, owner] of places)
    it(`makes nothing in a folder ${what}: neither spool nor state nor staging`, async () => {
      await openSite('directory');
      const place = join(site.folder, 'place');
      mkdirSync(place);
      chmodSync(place, mode);
      chownSync(place, owner, ATTACKER);
      const precious = join(site.folder, 'precious');
      writeFileSync(precious, 'precious\n');
      for (const words of [
        ['--temporary-dir', place],
        ['--state', join(place, 'state')],
        ['--root', place],
      ]) {
        const { status, stderr } = await site.convert(wishes, words);
        assert.equal(status, 3, stderr);
        assert.match(
          stderr,
          /^error\[(?:state|repository)-unusable\] .*(?:may write in|belongs to user).*; /m,
        );
        assert.deepEqual(readdirSync(place), []);
      }
    });

  it('writes through none of his links in a folder with the sticky bit', async () => {
    await openSite('directory');
    const place = join(site.folder, 'place');
    mkdirSync(place);
    chmodSync(place, 0o1777);
    const precious = join(site.folder, 'precious');
    mkdirSync(precious);
    writeFileSync(join(precious, 'lock'), 'precious\n');
    symlinkSync(precious, join(place, 'spool'));
    spawnSync('chown', ['--no-dereference', String(ATTACKER), join(place, 'spool')]);
    const { status, stderr } = await site.convert(wishes, ['--temporary-dir', place]);
    assert.equal(status, 3, stderr);
    assert.match(stderr, /^error\[state-unusable\] ".*\/place\/spool" belongs to user 65533/m);
    assert.deepEqual(
      [readdirSync(precious), readFileSync(join(precious, 'lock'), 'utf8')],
      [['lock'], 'precious\n'],
    );
  });
});

/** Times and digests of what tells when it was made. */
function withoutTimes(tree: Snapshot): Snapshot {
  return new Map([...tree].map(([path, line]) => [path, line.split(' ').slice(0, 3).join(' ')]));
}
