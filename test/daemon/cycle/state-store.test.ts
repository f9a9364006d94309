import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NOTHING, StateStore, type Snapshot } from '../../../daemon/cycle/state-store.ts';
import { Damaged } from '../../../daemon/state/sqlite/database.ts';
import { databasePath } from '../../../daemon/state/state-files.ts';
import type { NewAttempt, State } from '../../../daemon/state/state.ts';
import { manifestPath } from '../../../publisher/image/layout.ts';
import { Failure } from '../../../core/failure.ts';
import { ANYTHING } from '../../../wishlist/meaning/uncertainty.ts';
import { expandRecipes } from '../../../wishlist/meaning/expand.ts';
import type { WishedImage } from '../../../wishlist/meaning/wished-image.ts';
import { parseRecipe } from '../../../wishlist/recipe/recipe.ts';
import { MemoryRepository } from '../../publisher/compose/memory-repository.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { EMPTY_LISTS } from '../../support/whole-lists.ts';
import { openState } from '../../../daemon/state/open-state.ts';

const REPOSITORY = 'images.unpackd.test';
const NAME = 'quay.io/lab/tool:1';
const DAY_MS = 86_400_000;
const NOBODY = { readSources: { read: new Set<string>(), configured: undefined }, askersIn: () => new Map() };
const FOUND = {
  sources: [],
  lines: [],
  repositories: [REPOSITORY],
  images: [],
  uncertainties: [],
  patterns: [],
  ...NOBODY,
};

const RUN = { id: 'this', spool: '/spool' };

describe('daemon/cycle/state-store', () => {
  let directory: string;
  let view: MemoryRepository;
  let warnings: string[];
  let notes: string[];
  let nowMs: number;
  /** What opening the database fails for. */
  let problem: unknown;
  /** How often the database was opened. */
  let openings: number;
  let store: StateStore;

  beforeEach(async () => {
    directory = await temporaryDirectory('history');
    [warnings, notes, nowMs, problem, openings] = [[], [], 1000 * DAY_MS, undefined, 0];
    view = new MemoryRepository();
    view.put(
      manifestPath(NAME),
      'file',
      JSON.stringify({ config: { digest: 'sha256:c', size: 1 }, layers: [] }),
    );
    store = make(false);
  });
  afterEach(async () => {
    await store.close();
  });

  function make(readOnlyWishes: boolean): StateStore {
    return new StateStore({
      open: async () => {
        openings++;
        if (problem !== undefined) throw problem;
        return await openState(directory, (message) => void warnings.push(message));
      },
      warn: (message) => void warnings.push(message),
      note: (message) => void notes.push(message),
      nowMs: () => nowMs,
      readOnlyWishes,
    });
  }

  function attempt(code?: 'tag-unknown'): NewAttempt {
    const failure = code === undefined ? undefined : new Failure(code, 'no such tag');
    const times = { startedMs: nowMs - 1, finishedMs: nowMs };
    const named = { repository: REPOSITORY, publicName: NAME, platform: undefined, image: NAME };
    return { ...named, ...times, bytes: 1, failure, isWhole: true };
  }

  async function withState<T>(work: (state: State) => Promise<T>): Promise<T> {
    const state = await openState(directory, assert.fail);
    try {
      return await work(state);
    } finally {
      await state.close();
    }
  }

  const digests = async (): Promise<string[]> =>
    (await store.before(REPOSITORY, view, RUN)).published.map(({ digest }) => digest);

  describe('of a repository', () => {
    it('begins with what the repository holds, and is not looked up again', async () => {
      assert.deepEqual(await digests(), ['sha256:c']);
      assert.equal(notes.length, 1);
      view.remove('.metadata');
      assert.deepEqual(await digests(), ['sha256:c']);
      assert.equal(notes.length, 1);
    });

    it('is looked up again once a process died of an image there, which may be published all the same', async () => {
      assert.deepEqual(await digests(), ['sha256:c']);
      const work = {
        repository: REPOSITORY,
        publicName: NAME,
        image: NAME,
        digest: undefined,
        stage: 'publishing',
      };
      await store.underWay({ id: 'dead', spool: RUN.spool }, [work], []);
      view.put(
        manifestPath(NAME),
        'file',
        JSON.stringify({ config: { digest: 'sha256:d', size: 1 }, layers: [] }),
      );
      nowMs++;
      assert.deepEqual(await digests(), ['sha256:d']);
      nowMs++;
      await digests();
      view.remove('.metadata');
      assert.deepEqual(await digests(), ['sha256:d']);
      assert.equal(notes.length, 1);
    });

    it('says nothing of an empty repository, which is not looked up again either', async () => {
      const empty = new MemoryRepository();
      assert.deepEqual((await store.before(REPOSITORY, empty, RUN)).published, []);
      assert.deepEqual(await digests(), []);
      assert.deepEqual(notes, []);
    });

    it('knows what failed, until it is fine', async () => {
      await store.attempt(attempt('tag-unknown'), undefined);
      assert.deepEqual([...(await store.before(REPOSITORY, view, RUN)).failing.keys()], [NAME]);
      await store.current(REPOSITORY, [], [NAME]);
      assert.equal((await store.before(REPOSITORY, view, RUN)).failing.size, 0);
    });

    it('knows what was published', async () => {
      await digests();
      const image = {
        publicName: NAME,
        platform: 'linux/amd64',
        image: NAME,
        layers: [],
        publishedMs: nowMs,
      };
      await store.attempt(attempt(), { ...image, config: 'sha256:e' });
      assert.deepEqual(await digests(), ['sha256:e']);
    });

    it('knows why nothing can be published there', async () => {
      await store.repositoryFailure(REPOSITORY, new Failure('repository-busy', 'somebody'));
      const [row] = await withState(async ({ repositories }) => await repositories.all());
      assert.deepEqual([row?.failure?.code, row?.failingSinceMs], ['repository-busy', nowMs]);
    });

    const pauses: [paused: string | undefined, isPaused: boolean][] = [
      [REPOSITORY, true],
      [undefined, true],
      ['other.test', false],
    ];
    for (const [paused, isPaused] of pauses) {
      it(`is ${isPaused ? '' : 'not '}paused by a pause of ${paused ?? 'all'}`, async () => {
        await withState(async ({ repositories }) => await repositories.pause(paused, nowMs));
        assert.equal((await store.before(REPOSITORY, view, RUN)).isPaused, isPaused);
      });
    }
  });

  it('opens the database once for all who need it at the same time, anew where that failed', async () => {
    problem = new Failure('state-unusable', 'closed');
    await Promise.all([store.begin(), store.wishlists(FOUND), store.begin()]);
    assert.equal(openings, 1);
    problem = undefined;
    await Promise.all([store.begin(), store.wishlists(FOUND), store.begin()]);
    await store.begin();
    assert.equal(openings, 2);
  });

  it('keeps publications, and waits for them when it is closed', async () => {
    const publication = { repository: REPOSITORY, revision: 7, startedMs: 1, images: 1, layers: 1, bytes: 1 };
    store.publication({ ...publication, finishedMs: nowMs, error: undefined });
    await store.close();
    const [last] = await withState(async ({ publications }) => await publications.last(REPOSITORY, 1));
    assert.equal(last?.revision, 7);
  });

  it('forgets what is old, once a day', async () => {
    const publish = async (): Promise<void> => {
      await store.attempt({ ...attempt(), finishedMs: nowMs - 100 * DAY_MS }, undefined);
    };
    const count = async (): Promise<number> =>
      await withState(async ({ attempts }) => (await attempts.of(REPOSITORY, NAME, 9)).length);
    await publish();
    await store.begin();
    assert.equal(await count(), 0);
    await publish();
    nowMs += DAY_MS / 2;
    await store.begin();
    assert.equal(await count(), 1);
    nowMs += DAY_MS;
    await store.begin();
    assert.equal(await count(), 0);
  });

  it('leaves what people want to the daemon beside which it runs', async () => {
    await store.wishlists(FOUND);
    const guest = make(true);
    await guest.wishlists({ ...FOUND, repositories: ['other.test'] });
    await guest.close();
    const rows = await withState(async ({ repositories }) => await repositories.all());
    assert.deepEqual(
      rows.map(({ name }) => name),
      [REPOSITORY],
    );
  });

  describe('of who asks', () => {
    const RECIPE = '/home/it/recipe.yaml';
    const asked = (...sources: string[]) => new Map([[NAME, { sources, keep: undefined }]]);
    const readBy = (read: string, configured?: string) => ({
      read: new Set([read]),
      configured: configured === undefined ? undefined : new Set([configured]),
    });
    const askers = async (): Promise<readonly string[] | undefined> =>
      await withState(async ({ removals }) => (await removals.askers(REPOSITORY)).get(NAME)?.sources);

    beforeEach(async () => {
      await store.wishlists({ ...FOUND, readSources: readBy('git', 'git'), askersIn: () => asked('git') });
    });

    const doubts: [what: string, doubt: Partial<Snapshot>, expected: string[]][] = [
      ['forgets a recipe that asks no more, where a source does', {}, ['git']],
      ['keeps a recipe of which a line may mean the image', { uncertainties: [ANYTHING] }, [RECIPE, 'git']],
      [
        'keeps a recipe with a pattern that matches the image, which its registry does not list',
        { patterns: [ANYTHING] },
        [RECIPE, 'git'],
      ],
    ];
    for (const [what, doubt, expected] of doubts) {
      it(what, async () => {
        await store.wishlists({ ...FOUND, readSources: readBy(RECIPE), askersIn: () => asked(RECIPE) });
        await store.wishlists({ ...FOUND, ...doubt, readSources: readBy(RECIPE) });
        assert.deepEqual(await askers(), expected);
      });
    }

    it('adds a recipe beside the daemon, which knows nothing of it, and no source', async () => {
      const guest = make(true);
      await guest.wishlists({ ...FOUND, readSources: readBy(RECIPE), askersIn: () => asked(RECIPE) });
      await guest.wishlists({ ...FOUND, readSources: readBy('web', 'web'), askersIn: () => asked('web') });
      await guest.close();
      assert.deepEqual(await askers(), [RECIPE, 'git']);
    });
  });

  describe('of what failed', () => {
    const OTHER = 'quay.io/lab/other:1';
    async function failing(): Promise<string[]> {
      return [...(await store.before(REPOSITORY, view, RUN)).failing.keys()];
    }
    async function tries(): Promise<number> {
      return await withState(async ({ attempts }) => (await attempts.of(REPOSITORY, NAME, 9)).length);
    }
    async function wish(...names: readonly string[]): Promise<WishedImage[]> {
      const lines = names.map((name) => `  - '${name}'\n`).join('');
      const recipe = parseRecipe(`version: 1\ncvmfs_repo: '${REPOSITORY}'\ninput:\n${lines}`, 'recipe.yaml');
      return [...(await expandRecipes([recipe], EMPTY_LISTS)).images];
    }

    it('forgets what nobody asks for any more, not that it was tried', async () => {
      await store.wishlists({ ...FOUND, images: await wish(NAME, OTHER) });
      await store.attempt(attempt('tag-unknown'), undefined);
      await store.wishlists({ ...FOUND, images: await wish(NAME, OTHER) });
      assert.deepEqual(await failing(), [NAME]);
      await store.wishlists({ ...FOUND, images: await wish(OTHER) });
      assert.deepEqual([await failing(), await tries()], [[], 1]);
    });

    it('forgets it too where nobody names the repository, and why nothing could be published there', async () => {
      await store.before(REPOSITORY, new MemoryRepository(), RUN);
      await store.attempt(attempt('tag-unknown'), undefined);
      await store.repositoryFailure(REPOSITORY, new Failure('repository-unusable', 'no such thing'));
      await store.wishlists({ ...FOUND, repositories: [] });
      const { rows, left } = await withState(async ({ repositories, attempts }) => ({
        rows: await repositories.all(),
        left: await attempts.failing(REPOSITORY),
      }));
      assert.deepEqual([rows, left.size], [[], 0]);
    });

    it('keeps it while it is not known whether somebody asks for it', async () => {
      await store.attempt(attempt('tag-unknown'), undefined);
      await store.repositoryFailure(REPOSITORY, new Failure('repository-unusable', 'no such thing'));
      await store.wishlists({ ...FOUND, repositories: [], uncertainties: [ANYTHING] });
      assert.deepEqual(await failing(), [NAME]);
      const [row] = await withState(async ({ repositories }) => await repositories.all());
      assert.equal(row?.failure?.code, 'repository-unusable');
    });

    it('keeps repositories that are paused, or hold something', async () => {
      await store.before(REPOSITORY, view, RUN);
      await withState(async ({ repositories }) => await repositories.pause('other.test', 1));
      await store.wishlists({ ...FOUND, repositories: [] });
      const rows = await withState(async ({ repositories }) => await repositories.all());
      assert.deepEqual(
        rows.map(({ name }) => name),
        [REPOSITORY, 'other.test'],
      );
    });

    it('takes the failure of a guest for the result of its run, and its success for good news', async () => {
      const guest = make(true);
      await guest.attempt(attempt('tag-unknown'), undefined);
      await guest.repositoryFailure(REPOSITORY, new Failure('repository-unusable', 'no such thing'));
      const rows = await withState(async ({ repositories }) => await repositories.all());
      assert.deepEqual([await failing(), await tries()], [[], 1]);
      assert.ok(rows.every(({ failure }) => failure === undefined));
      await store.attempt(attempt('tag-unknown'), undefined);
      await guest.attempt(attempt(), undefined);
      await guest.close();
      assert.deepEqual(await failing(), []);
    });
  });

  it('tells whoever knows the image of what goes wrong when its try is written down', async () => {
    const odd = { ...attempt('tag-unknown'), startedMs: Symbol('no number') as unknown as number };
    await assert.rejects(store.attempt(odd, undefined));
    assert.equal(store.failure, undefined);
    assert.deepEqual(warnings, []);
  });

  describe('without a database', () => {
    const unusable = new Failure('state-unusable', 'locked');
    const problems: [what: string, problem: Failure][] = [
      ['cannot be used', unusable],
      ['has no room', new Failure('disk-full', 'no room')],
      ['is damaged', new Damaged('/x', 'test')],
    ];
    for (const [what, given] of problems) {
      it(`goes on where it ${what}, and says so once`, async () => {
        problem = given;
        await store.begin();
        await store.wishlists(FOUND);
        assert.deepEqual(await store.before(REPOSITORY, view, RUN), NOTHING);
        await store.attempt(attempt('tag-unknown'), undefined);
        assert.equal((await store.pauses())(REPOSITORY), false);
        assert.equal(warnings.length, 1);
        assert.deepEqual(notes, []);
      });
    }

    it('says when it can write again, and again when it cannot', async () => {
      problem = unusable;
      await store.wishlists(FOUND);
      problem = undefined;
      await store.pauses();
      assert.deepEqual(notes, [], 'to read it is not enough');
      await store.wishlists(FOUND);
      await store.wishlists(FOUND);
      assert.deepEqual([warnings.length, notes.length], [1, 1]);
      await store.close();
      problem = unusable;
      await store.wishlists(FOUND);
      assert.deepEqual([warnings.length, notes.length], [2, 1]);
    });

    it('goes on after a mistake, which it tells with its stack', async () => {
      problem = new TypeError('a mistake');
      assert.deepEqual(await store.before(REPOSITORY, view, RUN), NOTHING);
      assert.equal(store.failure?.code, 'bug');
      assert.match(warnings[0] ?? '', /something unexpected happened: a mistake/);
      assert.match(warnings.join('\n'), /TypeError: a mistake\n +at /);
    });
  });

  it('makes a database anew that was deleted, and looks up in the repository what is there', async () => {
    await digests();
    for (const end of ['', '-wal', '-shm']) await rm(`${databasePath(directory)}${end}`, { force: true });
    assert.deepEqual(await digests(), ['sha256:c']);
    assert.deepEqual([warnings.length, notes.length], [1, 2]);
  });

  it('does the same with one that is damaged', async () => {
    await store.wishlists(FOUND);
    await store.close();
    await writeFile(join(directory, 'unpackd.db'), 'no database at all, over many bytes. '.repeat(100));
    assert.deepEqual(await digests(), ['sha256:c']);
    assert.deepEqual([warnings.length, notes.length], [1, 1]);
  });
});
