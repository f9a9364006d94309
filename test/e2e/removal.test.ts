import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { wakeDaemon } from '../../daemon/service/control.ts';
import { openState } from '../../daemon/state/open-state.ts';
import { MIGRATIONS } from '../../daemon/state/sqlite/migrations.ts';
import { openDatabase } from '../../daemon/state/sqlite/open-database.ts';
import { lockState } from '../../daemon/state/state-lock.ts';
import { databasePath } from '../../daemon/state/state-files.ts';
import type { State } from '../../daemon/state/state.ts';
import { fileSource } from '../../wishlist/sources/fetch-file.ts';
import { configurationOf, DaemonRig } from '../support/daemon/rig.ts';
import { smallImage } from '../support/e2e/images.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { REPOSITORY, Site } from '../support/e2e/site.ts';
import { runHere } from '../support/e2e/unpackd.ts';
import { recipeText } from '../support/git/upstream.ts';
import { temporaryDirectory } from '../support/setup.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = DAY_MS / 24;
/** More than five, so that one source's emptiness or a share of them are not the same. */
const TAGS = ['1', '2', '3', '4', '5', '6', '7', '8'];

describe('e2e/removal: the daemon', () => {
  let registry: TestRegistry;
  let folder: string;
  let rig: DaemonRig;

  beforeEach(async () => {
    registry = await TestRegistry.start();
    folder = await temporaryDirectory('wishes');
    for (const tag of TAGS) registry.add('lab/tool', tag, await smallImage(tag));
    await wish('one', TAGS);
    await wish('two', []);
    await make();
  });
  afterEach(async () => {
    await rig.stop();
    await registry.close();
  });

  async function make(flags: Readonly<Record<string, string>> = {}, names = ['one', 'two']): Promise<void> {
    const sources = names.map((name) => fileSource({ name, path: recipe(name) }));
    rig = await DaemonRig.make({ sources, flags });
    await mkdir(join(rig.root, REPOSITORY), { recursive: true });
  }

  const recipe = (source: string): string => join(folder, `${source}.yaml`);
  const image = (tag: string): string => `http://${registry.host}/lab/tool:${tag}`;

  async function wish(source: string, tags: readonly string[]): Promise<void> {
    await writeFile(recipe(source), recipeText(...tags.map(image)));
  }

  function published(): string {
    const path = (tag: string): string => join(rig.root, REPOSITORY, registry.host, `lab/tool:${tag}`);
    return TAGS.filter((tag) => existsSync(path(tag))).join('');
  }

  async function pass(ms: number): Promise<void> {
    rig.nowMs += ms;
    await rig.cycle();
  }

  async function withState<T>(work: (state: State) => Promise<T>): Promise<T> {
    const state = await openState(rig.state, () => undefined);
    try {
      return await work(state);
    } finally {
      await state.close();
    }
  }

  const holds = async (): Promise<string[]> =>
    await withState(async ({ removals }) => (await removals.holds(REPOSITORY)).map(({ code }) => code));

  const warnings = (): string[] => rig.said().filter((line) => line.startsWith('4 '));

  it('takes a name back two days after its line is gone, and keeps what is needed to restore it', async () => {
    await rig.start();
    await wish('one', TAGS.slice(1));
    await pass(0);
    await pass(2 * DAY_MS - HOUR_MS);
    assert.equal(published(), '12345678');
    rig.said();
    await pass(HOUR_MS);
    assert.equal(published(), '2345678');
    assert.deepEqual(
      rig.said().filter((line) => line.includes('removed ')),
      [`6 removed ${registry.host}/lab/tool:1: no line asks for it any more`],
    );
    const removed = join(rig.root, REPOSITORY, '.unpackd/removed', registry.host, 'lab/tool:1/removed.json');
    assert.equal(JSON.parse(readFileSync(removed, 'utf8')).reason, 'no line asks for it any more');
    assert.equal(await withState(async ({ images }) => (await images.of(REPOSITORY)).length), 7);
  });

  it('leaves a name alone that is asked for again, and counts anew', async () => {
    await rig.start();
    await wish('one', TAGS.slice(1));
    await pass(0);
    await pass(DAY_MS);
    await wish('two', ['1']);
    await pass(DAY_MS);
    await pass(DAY_MS);
    assert.equal(published(), '12345678');
    await wish('two', []);
    await wish('one', TAGS.slice(1));
    await pass(0);
    await pass(2 * DAY_MS - 1);
    assert.equal(published(), '12345678');
  });

  it('keeps images as long as their lines say', async () => {
    const text = (input: string): string => `version: 2\ncvmfs_repo: '${REPOSITORY}'\ninput:\n${input}`;
    const line = (tag: string, keep: string): string => `  - {image: '${image(tag)}', keep: ${keep}}\n`;
    const rest = line('3', '1d');
    await writeFile(recipe('one'), text(`${line('1', '5d')}${line('2', 'forever')}${rest}`));
    await rig.start();
    await writeFile(recipe('one'), text(rest));
    await pass(0);
    await pass(5 * DAY_MS - 1);
    assert.equal(published(), '123');
    await pass(1);
    assert.equal(published(), '23');
    for (let day = 0; day < 10; day++) await pass(DAY_MS);
    assert.equal(published(), '23');
  });

  it('keeps what a tag led to before, as many as a line says, found by their digests', async () => {
    const lines = (keep: string): string =>
      `version: 2\ncvmfs_repo: '${REPOSITORY}'\ninput:\n  - {image: '${image('1')}', keep: ${keep}}\n  - '${image('2')}'\n`;
    const folderOf = join(rig.root, REPOSITORY, registry.host, 'lab');
    const kept = (): number => readdirSync(folderOf).filter((name) => name.startsWith('tool@sha256:')).length;
    await writeFile(recipe('one'), lines('[1d, 2]'));
    await rig.start();
    const counts: number[] = [];
    for (const content of ['a', 'b', 'c', 'd']) {
      registry.add('lab/tool', '1', await smallImage(content));
      await pass(HOUR_MS);
      counts.push(kept());
    }
    assert.deepEqual(counts, [1, 2, 3, 4]);
    await pass(HOUR_MS);
    await pass(DAY_MS);
    await pass(DAY_MS);
    assert.equal(kept(), 2);
    await writeFile(recipe('one'), lines('1d').replace(/^.*tool:1.*$/m, ''));
    await pass(HOUR_MS);
    await pass(DAY_MS);
    assert.deepEqual([published(), kept()], ['2', 2], 'first goes the tag');
    await pass(DAY_MS);
    await pass(DAY_MS);
    assert.deepEqual([published(), kept()], ['2', 0]);
  });

  const unread: [what: string, breaking: () => Promise<void>][] = [
    ['a source that cannot be read', async () => await rm(recipe('one'))],
    ['a source that is no recipe', async () => await writeFile(recipe('one'), 'nothing: [')],
    [
      'a recipe with a line that is wrong',
      async () => await writeFile(recipe('one'), recipeText('quay.io/a b')),
    ],
  ];
  for (const [what, breaking] of unread) {
    it(`removes nothing for ${what}`, async () => {
      await rig.start();
      await breaking();
      for (let day = 0; day < 5; day++) await pass(DAY_MS);
      assert.equal(published(), '12345678');
    });
  }

  it('removes nothing while a source was never read', async () => {
    await rm(recipe('two'));
    await rig.start();
    await wish('one', TAGS.slice(1));
    for (let day = 0; day < 5; day++) await pass(DAY_MS);
    assert.equal(published(), '12345678');
    await wish('two', []);
    await pass(0);
    await pass(2 * DAY_MS);
    assert.equal(published(), '2345678');
  });

  it('holds what lines ask for that are refused now, until somebody confirms it', async () => {
    registry.add('lab/other', '1', await smallImage('other'));
    const other = `http://${registry.host}/lab/other:1`;
    await writeFile(recipe('one'), recipeText(...TAGS.map(image), other));
    await rig.start();
    const isOtherPublished = (): boolean =>
      existsSync(join(rig.root, REPOSITORY, registry.host, 'lab/other:1'));
    const flags = { 'allowed-registries': `${registry.host}/lab/tool` };
    rig.configuration = configurationOf(rig.folder, { flags });
    await rig.reload();
    rig.said();
    for (let day = 0; day < 4; day++) await pass(DAY_MS);
    assert.deepEqual([published(), isOtherPublished(), await holds()], ['12345678', true, ['line-refused']]);
    assert.ok(
      warnings().some((line) => line.includes('1 image stays: one asks for them in lines that are refused')),
    );
    await withState(async ({ removals }) => await removals.confirm(REPOSITORY, rig.nowMs));
    await wakeDaemon(rig.state);
    await rig.idle();
    assert.deepEqual([published(), isOtherPublished(), await holds()], ['12345678', false, []]);
  });

  it('removes what lines asked for that were refused once they are gone', async () => {
    await rig.start();
    const text = recipeText(...TAGS.slice(1).map(image), 'http://example.invalid/lab/tool:1');
    rig.configuration = configurationOf(rig.folder, { flags: { 'allowed-registries': registry.host } });
    await writeFile(recipe('one'), text);
    await rig.reload();
    for (let day = 0; day < 3; day++) await pass(DAY_MS);
    assert.deepEqual([published(), await holds()], ['2345678', []]);
  });

  it('holds what a source asked for that asks for nothing any more, until somebody confirms it', async () => {
    await wish('two', ['8']);
    await rig.start();
    await wish('one', []);
    await pass(0);
    rig.said();
    for (let day = 0; day < 3; day++) await pass(DAY_MS);
    assert.deepEqual([published(), await holds()], ['12345678', ['source-emptied']]);
    const told = warnings().filter((line) => line.includes('one asked for them, and now asks for nothing'));
    assert.ok(told.length > 0);
    await withState(async ({ removals }) => await removals.confirm(REPOSITORY, rig.nowMs));
    await wakeDaemon(rig.state);
    await rig.idle();
    assert.deepEqual([published(), await holds()], ['8', []]);
  });

  it('holds more than usual at once, and goes on with other work', async () => {
    await rig.start();
    await wish('one', TAGS.slice(6));
    await pass(0);
    await pass(2 * DAY_MS);
    assert.deepEqual([published(), await holds()], ['12345678', ['too-many']]);
    registry.add('lab/tool', '8', await smallImage('moved'));
    await pass(HOUR_MS);
    const says = await withState(async ({ publications }) => (await publications.last(REPOSITORY, 9)).length);
    assert.equal(says, 2);
    await wish('one', TAGS.slice(5));
    await pass(HOUR_MS);
    assert.deepEqual([published(), await holds()], ['678', []]);
  });

  it('removes what the limits of the configuration allow', async () => {
    await make({ 'removal-limit': '1', 'removal-share': '100' });
    await rig.start();
    await wish('one', TAGS.slice(2));
    await pass(0);
    await pass(2 * DAY_MS);
    assert.deepEqual([published(), await holds()], ['12345678', ['too-many']]);
  });

  it('holds everything while the clock is a year ahead, and nothing once it is right', async () => {
    await rig.start();
    await wish('one', TAGS.slice(1));
    await pass(HOUR_MS);
    await pass(365 * DAY_MS);
    await wish('one', TAGS.slice(2));
    await pass(DAY_MS);
    assert.deepEqual([published(), await holds()], ['12345678', ['clock-jumped']]);
    rig.nowMs -= 366 * DAY_MS;
    await pass(HOUR_MS);
    assert.deepEqual([published(), await holds()], ['12345678', []]);
    await pass(2 * DAY_MS - HOUR_MS);
    assert.equal(published(), '2345678', 'the first is due, and the second is not');
    await pass(HOUR_MS);
    assert.equal(published(), '345678');
  });

  const asking: [what: string, wishes: string[]][] = [
    ['a line asks for', TAGS],
    ['a pattern means', ['*']],
  ];
  for (const [what, wishes] of asking) {
    it(`removes what ${what}, once its registry said twice that the tag is gone, and not before`, async () => {
      await wish('one', wishes);
      await rig.start();
      registry.store.removeTag('lab/tool', '1');
      await pass(0);
      await pass(DAY_MS - HOUR_MS);
      assert.equal(await planned(), '');
      await pass(HOUR_MS);
      assert.equal(await planned(), '1 tag gone');
      await pass(DAY_MS - HOUR_MS);
      assert.equal(published(), '12345678');
      rig.said();
      await pass(HOUR_MS);
      assert.equal(published(), '2345678');
      assert.ok(rig.said().some((line) => line.includes('tool:1: its registry has no such tag any more')));
      registry.add('lab/tool', '1', await smallImage('1'));
      await pass(DAY_MS);
      assert.equal(published(), '12345678');
    });

    it(`keeps what ${what}, whose tag came back, or whose registry does not answer`, async () => {
      await wish('one', wishes);
      await rig.start();
      registry.store.removeTag('lab/tool', '1');
      await pass(0);
      await pass(DAY_MS);
      registry.add('lab/tool', '1', await smallImage('1'));
      await pass(HOUR_MS);
      registry.store.removeTag('lab/tool', '1');
      await pass(HOUR_MS);
      await pass(2 * DAY_MS - HOUR_MS);
      assert.equal(published(), '12345678');
      await registry.close();
      for (let day = 0; day < 5; day++) await pass(DAY_MS);
      assert.equal(published(), '12345678');
    });
  }

  /** The tags that are to go, with the reasons. */
  async function planned(): Promise<string> {
    const rows = await withState(async ({ images }) => await images.of(REPOSITORY));
    const going = rows.filter(({ reason }) => reason !== undefined);
    return going.map(({ publicName, reason }) => `${publicName.split(':').at(-1)} ${reason}`).join();
  }

  it('removes nothing while paused', async () => {
    await rig.start();
    await wish('one', TAGS.slice(1));
    await pass(0);
    await withState(async ({ repositories }) => await repositories.pause(REPOSITORY, 1));
    await pass(3 * DAY_MS);
    assert.equal(published(), '12345678');
    await withState(async ({ repositories }) => await repositories.resume(undefined));
    await pass(0);
    assert.equal(published(), '2345678');
  });

  it('protects everything once its state is lost, until somebody asks and no longer does', async () => {
    await rig.start();
    await wish('one', TAGS.slice(1));
    await pass(0);
    for (const end of ['', '-wal', '-shm']) await rm(`${databasePath(rig.state)}${end}`, { force: true });
    for (let day = 0; day < 5; day++) await pass(DAY_MS);
    assert.equal(published(), '12345678');
    await wish('one', TAGS);
    await pass(HOUR_MS);
    await wish('one', TAGS.slice(1));
    await pass(HOUR_MS);
    await pass(2 * DAY_MS);
    assert.equal(published(), '2345678');
  });

  it('removes what is asked for in another repository now, once that is confirmed', async () => {
    await rig.start();
    const text = await readFile(recipe('one'), 'utf8');
    await mkdir(join(rig.root, 'other.unpackd.test'));
    await writeFile(recipe('one'), text.replace(REPOSITORY, 'other.unpackd.test'));
    await writeFile(
      recipe('two'),
      (await readFile(recipe('two'), 'utf8')).replace(REPOSITORY, 'other.unpackd.test'),
    );
    await pass(0);
    await pass(2 * DAY_MS);
    assert.deepEqual([published(), await holds()], ['12345678', ['source-emptied']]);
    await withState(async ({ removals }) => await removals.confirm(REPOSITORY, rig.nowMs));
    await pass(0);
    assert.deepEqual([published(), await holds()], ['', []]);
  });

  it('does what was planned before in a database of an earlier version, from then on', async () => {
    await rig.start();
    await rig.stop();
    await toFormerState();
    await rig.start();
    await wish('one', TAGS.slice(1));
    await pass(0);
    await pass(2 * DAY_MS - 1);
    assert.equal(published(), '12345678');
    await pass(1);
    assert.equal(published(), '2345678');
  });

  /** Makes the database one of the second form, with an image that was unwanted for long. */
  async function toFormerState(): Promise<void> {
    const path = databasePath(rig.state);
    const now = await openDatabase(path, { warn: assert.fail });
    const [wishes, images] = [await now.all('SELECT * FROM wishes'), await now.all('SELECT * FROM images')];
    await now.close();
    for (const end of ['', '-wal', '-shm']) await rm(`${path}${end}`, { force: true });
    const before = await openDatabase(path, { warn: assert.fail, migrations: MIGRATIONS.slice(0, 2) });
    await before.run('INSERT INTO repositories (name, scanned_at) VALUES (?, 1)', REPOSITORY);
    for (const wish of wishes)
      await before.run(`INSERT INTO wishes VALUES (${'?, '.repeat(8)}?)`, Object.values(wish));
    for (const { public_name: name, platform, config } of images)
      await before.run(
        'INSERT INTO images (repository, public_name, platform, config, unwanted_since) VALUES (?, ?, ?, ?, 1)',
        [REPOSITORY, name ?? null, platform ?? null, config ?? null],
      );
    await before.close();
  }
});

describe('e2e/removal: convert', () => {
  let registry: TestRegistry;
  let site: Site;
  let images: string[];
  let recipes: string[];

  beforeEach(async () => {
    registry = await TestRegistry.start();
    site = await Site.make('directory');
    images = [];
    for (const tag of TAGS.slice(0, 3)) images.push(registry.add('lab/tool', tag, await smallImage(tag)));
    recipes = ['one', 'two'].map((name) => join(site.folder, `${name}.yaml`));
  });
  afterEach(async () => {
    await registry.close();
  });

  async function convert(recipe: number, wishes: readonly string[], ...words: string[]) {
    const path = recipes[recipe] ?? '';
    await writeFile(path, recipeText(...wishes));
    const outcome = await site.command(['convert', path, ...words]);
    assert.equal(outcome.status, 0, outcome.stderr);
    return outcome;
  }

  /** Lets that many days pass for what is unwanted. */
  async function pass(days: number): Promise<void> {
    const database = await openDatabase(databasePath(site.state), { warn: assert.fail });
    await database.run('UPDATE images SET unwanted_since = unwanted_since - ?', days * DAY_MS);
    await database.close();
  }

  const published = (): string =>
    TAGS.filter((tag) => existsSync(site.path(`${registry.host}/lab/tool:${tag}`))).join('');

  it('removes what its recipe no longer asks for, and nothing of another recipe', async () => {
    const [one = '', two = '', three = ''] = images;
    await convert(0, [one, two]);
    await convert(1, [two, three]);
    await convert(1, [three]);
    await convert(0, [one]);
    assert.equal(published(), '123');
    await pass(3);
    await convert(1, [three]);
    assert.equal(published(), '123', 'the other recipe asked for it last');
    const { stdout, stderr } = await convert(0, [one]);
    assert.equal(published(), '13');
    assert.match(stdout, /^removed   127\.0\.0\.1:\d+\/lab\/tool:2$/m);
    assert.match(stderr, /^removed 127\.0\.0\.1:\d+\/lab\/tool:2: no line asks for it any more$/m);
  });

  it('holds what an empty recipe asked for, unless it is told that this is meant', async () => {
    await convert(0, images);
    await convert(0, []);
    await pass(3);
    const { stderr } = await convert(0, []);
    assert.match(stderr, /^warning: .*asked for them, and now asks for nothing in images\.unpackd\.test/m);
    assert.equal(published(), '123');
    const status = await site.command(['status']);
    assert.deepEqual([status.status, status.stderr], [1, '']);
    assert.match(status.stdout, /^  removals are held since .*: 3 images stay: .*\[source-emptied\]$/m);
    assert.match(status.stdout, /tool:1 \(linux\/amd64\), not wanted since .*; held \[source-emptied\]$/m);
    await convert(0, [], '--yes-really');
    assert.equal(published(), '');
    assert.equal((await site.command(['status'])).status, 0);
  });

  it('shows when a name goes, and patterns that match nothing, neither of which needs attention', async () => {
    const [one = '', two = ''] = images;
    const nothing = one.replace(/:1$/, ':x*');
    await convert(0, [one, two]);
    await convert(0, [one, nothing]);
    const { status, stdout } = await site.command(['status']);
    assert.equal(status, 0, stdout);
    assert.match(stdout, /tool:2 .*, as no pattern means it any more; its name goes in \d+ h, on 20/);
    assert.match(stdout, /^patterns that match nothing\n.*x\*" matches nothing: .*\[pattern-unmatched\]$/m);
  });

  it('is foretold by a check: of a change by what is published, and of a recipe by what it asked for', async () => {
    const [one = '', two = '', three = ''] = images;
    await convert(0, [one, two, three]);
    const recipe = recipes[0] ?? '';
    const earlier = join(site.folder, 'earlier.yaml');
    await copyFile(recipe, earlier);
    await writeFile(recipe, recipeText(one, three.replace(/3$/, '3*')));
    const check = async (words: readonly string[], state = site.state): Promise<string> => {
      const places = ['--backend', 'directory', '--root', site.root, '--state', state];
      const outcome = await runHere(['wishlist', 'check', '--offline', ...places, ...words, recipe]);
      assert.equal(outcome.status, 0, outcome.stdout);
      return outcome.stdout;
    };
    const loses = `1 published image of ${REPOSITORY} will lose the public name, 2 days after`;
    const name = JSON.stringify(two.replace('http://', ''));
    for (const format of ['text', 'github', 'markdown', 'junit'])
      assert.match(
        await check(['--base-file', earlier, '--format', format]),
        /names-removed.*2 days after|2 days after.*names-removed/s,
      );
    const elsewhere = await temporaryDirectory('elsewhere');
    for (const state of [site.state, elsewhere])
      assert.ok((await check(['--base-file', earlier], state)).includes(`${loses} the change: ${name}`));
    assert.ok((await check([])).includes(`${loses} that is found: ${name}`));
    assert.doesNotMatch(await check([], elsewhere), /names-removed/);
    const { removals } = JSON.parse(await check(['--base-file', earlier, '--json']));
    assert.deepEqual(removals, [
      { repository: REPOSITORY, image: two.replace('http://', ''), platform: 'linux/amd64', keepDays: 2 },
    ]);
    assert.equal(published(), '123');
  });

  for (const isNamed of [true, false])
    it(`holds what a source ${isNamed ? 'with' : 'without'} a name asked for that is no longer configured, and not what another one asked for too`, async () => {
      const [one = '', two = '', three = ''] = images;
      await writeFile(recipes[0] ?? '', recipeText(one, two));
      await writeFile(recipes[1] ?? '', recipeText(two, three));
      const sources = recipes.map((path, index) =>
        isNamed ? `- {file: ${path}, name: source-${index}}` : `- {file: ${path}}`,
      );
      const convertAll = async (lines: readonly string[]): Promise<string> => {
        const { status, stderr } = await site.command(['convert', '--config', site.configuration(lines)]);
        assert.equal(status, 0, stderr);
        return stderr;
      };
      await convertAll(sources);
      await convertAll(sources.slice(0, 1));
      await writeFile(recipes[0] ?? '', recipeText(one));
      await convertAll(sources.slice(0, 1));
      await pass(3);
      const told = await convertAll(sources.slice(0, 1));
      assert.match(
        told,
        /^warning: 1 image stays: (source-1|file:\/.*two\.yaml) asked for them, and is no longer configured/m,
      );
      assert.equal(published(), '13');
      await convertAll(sources);
      assert.equal(published(), '123');
    });

  it('removes nothing beside a daemon, which keeps its plan to itself', async () => {
    const [one = '', two = ''] = images;
    await convert(0, [one, two]);
    await convert(0, [one]);
    await pass(3);
    const lock = await lockState(site.state);
    await convert(0, [one]);
    lock.release();
    assert.equal(published(), '12');
    await convert(0, [one]);
    assert.equal(published(), '1');
  });

  it('leaves what a recipe asked for beside a daemon, which does not read it', async () => {
    const [one = '', two = ''] = images;
    await convert(0, [one, two]);
    const lock = await lockState(site.state);
    await convert(1, [two]);
    lock.release();
    await convert(0, [one]);
    await pass(3);
    await convert(0, [one]);
    assert.equal(published(), '12');
  });

  it('takes a recipe that has no path, such as from a pipe, and leaves what it asked for', async () => {
    const [one = '', two = ''] = images;
    const path = join(site.folder, 'piped.yaml');
    await writeFile(path, recipeText(one));
    const handle = await open(path);
    await rm(path);
    const outcome = await site.command(['convert', `/proc/${process.pid}/fd/${handle.fd}`]);
    await handle.close();
    assert.equal(outcome.status, 0, outcome.stderr);
    await convert(0, [two]);
    await pass(3);
    await convert(0, [two]);
    assert.equal(published(), '12');
  });

  it('leaves alone what was published by hand, also once a line asked for it', async () => {
    const [one = '', two = ''] = images;
    const outcome = await site.command(['convert-single-image', one, REPOSITORY]);
    assert.equal(outcome.status, 0, outcome.stderr);
    await convert(0, [two]);
    await convert(0, [one, two]);
    await convert(0, [two]);
    await pass(3);
    await convert(0, [two]);
    assert.equal(published(), '12');
  });
});
