import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { hasCode } from '../../core/system-error.ts';
import { faults } from '../support/cvmfs-server/fixture.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { BACKENDS, REPOSITORY, Site } from '../support/e2e/site.ts';
import { run, start, type OutcomeHere } from '../support/e2e/unpackd.ts';
import { image } from '../support/images/image.ts';
import { file } from '../support/images/layer-entry.ts';
import { layer, type Layer } from '../support/images/layer.ts';
import { MARKS_PATH } from '../../publisher/published/marks.ts';
import { layerPath, manifestPath } from '../../publisher/image/layout.ts';

const QUIET = ['--skip-podman', '--chains'];
const NOW = ['--grace-period', '0'];
const DAY_MS = 86_400_000;

const Report = z.object({
  swept: z.array(z.string()),
  marked: z.array(z.string()),
  waiting: z.array(z.object({ name: z.string(), since: z.string(), due: z.string() })),
  blocked: z.array(z.object({ path: z.string(), why: z.string() })),
  publications: z.number(),
  storage: z.string(),
  problems: z.array(z.object({ code: z.string() })),
});

for (const kind of BACKENDS) {
  describe(`e2e/gc: on ${kind}`, () => {
    let site: Site;
    let registry: TestRegistry;
    let base: Layer;
    /** Of the image that the tag left. */
    let old: Layer;
    let name: string;

    beforeEach(async () => {
      site = await Site.make(kind);
      registry = await TestRegistry.start();
      base = await layer([file('base', 'of all')]);
      old = await push('old');
      assert.equal((await convert()).status, 0);
      await push('new');
      assert.equal((await convert()).status, 0);
    });
    afterEach(async () => {
      await registry.close();
      await site.close();
    });

    async function push(content: string, below = base): Promise<Layer> {
      const own = await layer([file('version', content)]);
      name = registry.add('lab/tool', '1', image({ layers: [below, own] }));
      return own;
    }

    async function convert(): Promise<OutcomeHere> {
      return await site.convertHere([name], QUIET);
    }

    async function gc(...words: readonly string[]): Promise<OutcomeHere> {
      return await site.commandHere(['gc', REPOSITORY, ...words]);
    }

    async function report(...words: readonly string[]): Promise<z.infer<typeof Report>> {
      return Report.parse(JSON.parse((await gc('--json', ...words)).stdout));
    }

    function published(path: string): string | undefined {
      try {
        return readFileSync(site.path(path), 'utf8');
      } catch (error) {
        if (hasCode(error, 'ENOENT')) return undefined;
        throw error;
      }
    }
    const isThere = ({ digest }: Layer): boolean => existsSync(site.path(layerPath(digest)));
    const publicName = (): string => `${registry.host}/lab/tool:1`;

    function assertWhole(): void {
      assert.equal(published(`${publicName()}/version`), 'new');
      assert.equal(published(`${publicName()}/base`), 'of all');
      assert.equal(isThere(base), true);
      assert.deepEqual(site.fixture?.problems(REPOSITORY) ?? [], []);
    }

    it('takes away what nothing refers to once its grace period is over', async () => {
      const first = await report();
      assert.deepEqual([first.marked.length, first.swept, first.waiting.length], [3, [], 3]);
      assert.equal(isThere(old), true);
      const [{ since, due } = { since: '', due: '' }] = first.waiting;
      assert.equal(Date.parse(due) - Date.parse(since), 30 * DAY_MS);
      const text = await gc();
      assert.equal(text.status, 0, text.stderr);
      assert.match(text.stdout, /: 0 trees taken away; 3 wait, the first until \d{4}-/);
      const last = await gc(...NOW);
      assert.equal(last.status, 0, last.stderr);
      assert.match(last.stdout, /: 3 trees taken away; none waits\n(?: {2}gone .*\n){3}/);
      assert.equal(isThere(old), false);
      assertWhole();
      assert.deepEqual((await report(...NOW)).publications, 0);
    });

    it('takes away what podman\u2019s store has of images that nothing means any more', async () => {
      assert.equal((await site.convertHere([name])).status, 0);
      await push('newer');
      assert.equal((await site.convertHere([name])).status, 0);
      const layers = (): string => published('podmanStore/overlay-layers/layers.json') ?? '';
      const before = layers();
      const outcome = await gc(...NOW);
      assert.equal(outcome.status, 0, outcome.stderr);
      assert.ok(layers().length < before.length, outcome.stdout);
      assert.equal(published(`${publicName()}/version`), 'newer');
      assert.deepEqual((await report(...NOW)).swept, []);
      assert.deepEqual(site.fixture?.problems(REPOSITORY) ?? [], []);
    });

    it('changes nothing in a dry run', async () => {
      const { swept, storage, publications } = await report('--dry-run', ...NOW);
      assert.deepEqual([swept.length, storage, publications], [3, 'kept', 0]);
      const text = await gc('--dry-run', ...NOW);
      assert.match(text.stdout, /: 3 trees would be taken away/);
      assert.equal(isThere(old), true);
      assert.equal(published(MARKS_PATH), undefined);
    });

    it('understands DUCC\u2019s command, whose grace periods are days', async () => {
      const outcome = await site.commandHere([
        'garbage-collection',
        '--grace-period',
        '7',
        '--json',
        REPOSITORY,
      ]);
      assert.equal(outcome.status, 0, outcome.stderr);
      const [{ since, due } = { since: '', due: '' }] = Report.parse(JSON.parse(outcome.stdout)).waiting;
      assert.equal(Date.parse(due) - Date.parse(since), 7 * DAY_MS);
    });

    it('does no harm twice at once', async () => {
      const words = ['gc', REPOSITORY, '--json', ...NOW, ...site.options];
      const both = await Promise.all([run(words), run(words)]);
      const reports = both.map(({ stdout }) => Report.parse(JSON.parse(stdout)));
      assert.deepEqual(
        both.map(({ status }) => status),
        [0, 0],
        both.map(({ stderr }) => stderr).join(''),
      );
      const swept = reports.flatMap((one) => one.swept);
      assert.deepEqual([swept.length, new Set(swept).size], [3, 3]);
      assertWhole();
    });

    it('says what keeps everything, and what to do', async () => {
      const broken = manifestPath('broken.example/lab/x:1');
      publish(broken, '{"layers":[');
      const outcome = await gc(...NOW);
      assert.equal(outcome.status, 1);
      assert.match(outcome.stdout, new RegExp(` {2}held +${broken}: .*\nwhat is held stays`));
      assert.equal(isThere(old), true);
    });

    it('does not believe a clock that jumped, until somebody says that it is right', async () => {
      await gc();
      const marks = published(MARKS_PATH) ?? '';
      const year = new Date(Date.now() - 365 * DAY_MS).toISOString();
      publish(MARKS_PATH, marks.replaceAll(/"\d{4}-[^"]*"/g, `"${year}"`));
      const doubted = await gc();
      assert.equal(doubted.status, 1);
      assert.match(doubted.stdout, /held .*clock/);
      assert.equal(isThere(old), true);
      const confirmed = await gc('--yes-really');
      assert.equal(confirmed.status, 0, confirmed.stdout);
      assert.equal(isThere(old), false);
      assertWhole();
    });

    for (const signal of ['SIGTERM', 'SIGKILL'] as const)
      it(`can be ended by ${signal} at any time, and run again`, async () => {
        const words = ['gc', REPOSITORY, ...NOW, ...site.options];
        for (const afterMs of [0, 100, 300, 600]) {
          const running = start(words);
          const timer = setTimeout(() => running.child.kill(signal), 250 + afterMs);
          await running.ended();
          clearTimeout(timer);
          assert.equal(published(`${publicName()}/base`), 'of all');
        }
        const last = await gc(...NOW);
        assert.equal(last.status, 0, last.stderr);
        assert.equal(isThere(old), false);
        assertWhole();
        assert.deepEqual((await report(...NOW)).swept, []);
      });

    it('is a usage error without a repository, and fails where there is none', async () => {
      assert.equal((await site.commandHere(['gc'])).status, 2);
      const unknown = await site.commandHere(['gc', 'nowhere.unpackd.test']);
      assert.equal(unknown.status, 3, unknown.stderr);
    });

    it('goes on beside a daemon that publishes and collects, whose layers go and come again', async () => {
      const recipe = site.recipe([name]);
      const settings = { 'skip-podman': 'true', 'gc-schedule': '*/2 * * * * *', 'grace-period': '0' };
      const configuration = site.configuration([`- file: ${recipe}`], settings);
      const other = await layer([file('base', 'of all'), file('more')]);
      const daemon = site.startDaemon(configuration);
      try {
        for (let round = 0; round < 6; round++) {
          await push(`round ${round}`, round % 2 === 0 ? other : base);
          await daemon.until(async () => published(`${publicName()}/version`) === `round ${round}`);
          const outcome = await run(['gc', REPOSITORY, ...NOW, ...site.options]);
          assert.equal(outcome.status, 0, outcome.stderr);
          assert.equal(published(`${publicName()}/base`), 'of all');
        }
      } finally {
        daemon.child.kill('SIGTERM');
      }
      const { status, stderr } = await daemon.ended();
      assert.equal(status, 0, stderr);
      assert.doesNotMatch(stderr, / failed: /);
      const left = await report(...NOW);
      assert.deepEqual(left.swept, []);
      assert.deepEqual(site.fixture?.problems(REPOSITORY) ?? [], []);
    });

    /** Writes a file as somebody else would. */
    function publish(path: string, content: string): void {
      if (site.fixture === undefined) {
        writeFileSync(made(site.path(path)), content);
        return;
      }
      const { command, root } = site.fixture;
      execFileSync(command, ['transaction', REPOSITORY], { stdio: 'ignore' });
      writeFileSync(made(join(root, REPOSITORY, path)), content);
      execFileSync(command, ['publish', REPOSITORY], { stdio: 'ignore' });
    }

    if (kind === 'cvmfs') {
      const collections = (): number =>
        site.fixture?.calls().filter(({ command }) => command === 'gc').length ?? 0;

      it('lets the server free the storage, unless that is left out', async () => {
        assert.equal((await report(...NOW)).storage, 'freed');
        assert.equal(collections(), 1);
        assert.equal((await report('--no-server-gc')).storage, 'kept');
        assert.equal(collections(), 1);
      });

      it('says where the server fails to, and has taken away the trees', async () => {
        site.fixture?.inject(faults.gc);
        const { status, stdout, stderr } = await gc('--json', ...NOW);
        assert.equal(status, 1, stderr);
        assert.match(stderr, /^error\[gc-failed\] /m);
        const { problems, swept, storage } = Report.parse(JSON.parse(stdout));
        assert.deepEqual(
          [problems.map(({ code }) => code), swept.length, storage],
          [['gc-failed'], 3, 'failed'],
        );
        assert.equal(isThere(old), false);
      });
    }
  });
}

/** `path`, in a folder that is there. */
function made(path: string): string {
  mkdirSync(dirname(path), { recursive: true });
  return path;
}

for (const release of ['2.12', '2.14'] as const)
  describe(`e2e/gc: of images that were removed, with CernVM-FS ${release}`, () => {
    it('takes away what is left of them, in union transactions where names have colons', async () => {
      const site = await Site.make('cvmfs', release);
      const registry = await TestRegistry.start();
      try {
        const add = async (name: string): Promise<string> =>
          registry.add(name, '1', image({ layers: [await layer([file('of', name)])] }));
        const [kept, gone] = [await add('lab/kept'), await add('lab/gone')];
        for (const names of [[kept, gone], [kept]]) assert.equal((await site.convertHere(names)).status, 0);
        const removed = await site.commandHere(['remove', gone.replace('http://', '')]);
        assert.equal(removed.status, 0, removed.stderr);
        const before = site.fixture?.calls().length;
        const outcome = await site.commandHere(['gc', REPOSITORY, ...NOW]);
        assert.equal(outcome.status, 0, outcome.stderr);
        const commands = (site.fixture?.calls().slice(before) ?? []).map(({ command }) => command);
        assert.equal(commands.includes('transaction'), release === '2.12', commands.join(' '));
        assert.equal(commands.includes('ingest'), true);
        assert.deepEqual(readdirSync(site.path('.unpackd/removed')), []);
        const again = await site.commandHere(['gc', REPOSITORY, '--json', ...NOW]);
        assert.deepEqual(Report.parse(JSON.parse(again.stdout)).publications, 0);
        assert.deepEqual(site.fixture?.problems(REPOSITORY), []);
        assert.equal(readFileSync(site.path(`${registry.host}/lab/kept:1/of`), 'utf8'), 'lab/kept');
      } finally {
        await registry.close();
        await site.close();
      }
    });
  });
