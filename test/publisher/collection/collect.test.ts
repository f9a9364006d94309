import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { recordPath, treePath } from '../../../publisher/image/layout.ts';
import { isOutputName } from '../../../core/outputs.ts';
import { collect } from '../../../publisher/collection/collect.ts';
import type { CollectionOptions, CollectionReport } from '../../../publisher/collection/report.ts';
import type { RepositoryPublisher } from '../../../publisher/pipeline/repository-publisher.ts';
import { MARKS_PATH } from '../../../publisher/published/marks.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { SyntheticRepository, type SyntheticImage } from './synthetic-repository.ts';

const DAY = 24 * 60 * 60 * 1000;
const START = Date.parse('2026-12-01T00:00:00Z');
const GRACE = 30 * DAY;

describe('publisher/collection/collect', () => {
  let repository: SyntheticRepository;
  let publisher: RepositoryPublisher;
  let kept: SyntheticImage;
  let gone: SyntheticImage;
  /** Trees of `gone` alone. */
  let lost: string[];

  beforeEach(async () => {
    repository = new SyntheticRepository(await temporaryDirectory('collect'));
    publisher = await repository.publisher();
    kept = repository.image('reg.example/app:1', ['base', 'one']);
    gone = repository.image('reg.example/app:2', ['base', 'two', 'top']);
    lost = gone.trees.filter((tree) => !kept.trees.includes(tree)).sort();
  });
  afterEach(() => publisher.close());

  /** Collects on the day `day`. */
  async function on(day: number, options: Partial<CollectionOptions> = {}): Promise<CollectionReport> {
    return await collect(publisher, {
      graceMs: GRACE,
      nowMs: START + day * DAY,
      isDryRun: false,
      isClockConfirmed: true,
      ...options,
    });
  }

  function assertThere(...images: readonly SyntheticImage[]): void {
    assert.deepEqual(repository.trees().sort(), [...new Set(images.flatMap(({ trees }) => trees))].sort());
  }

  it('does nothing where everything is referred to', async () => {
    assert.deepEqual(await on(0), {
      marked: [],
      unmarked: [],
      swept: [],
      waiting: [],
      notOurs: [],
      blocked: [],
      publications: 0,
    });
    assertThere(kept, gone);
  });

  it('marks what nothing refers to, and takes it away with its records after the grace period', async () => {
    repository.remove('reg.example/app:2');
    const first = await on(0);
    assert.deepEqual([...first.marked].sort(), lost);
    assert.deepEqual(
      first.waiting.map(({ since, due }) => [since, due]),
      lost.map(() => [START, START + GRACE]),
    );
    const before = await on(29.9);
    assert.deepEqual([before.swept, before.waiting.length], [[], lost.length]);
    assertThere(kept, gone);
    const after = await on(30);
    assert.deepEqual([...after.swept].sort(), lost);
    assert.deepEqual(after.waiting, []);
    assertThere(kept);
    for (const tree of lost) assert.equal(repository.read(recordOf(tree)), undefined);
    assert.equal(repository.read(MARKS_PATH), undefined);
    assert.equal((await on(31)).publications, 0);
  });

  it('leaves no folder that has nothing in it', async () => {
    repository.remove('reg.example/app:1');
    repository.remove('reg.example/app:2');
    await on(0);
    await on(30);
    for (const folder of [
      '.layers',
      '.chains',
      '.flat',
      '.unpackd/layers',
      '.unpackd/chains',
      '.unpackd/flat',
    ])
      assert.deepEqual(readdirSync(repository.path(folder)), [], folder);
  });

  it('begins anew for what was referred to in between', async () => {
    repository.remove('reg.example/app:2');
    await on(0);
    repository.image('reg.example/again:2', ['base', 'two', 'top']);
    const again = await on(10);
    assert.deepEqual([...again.unmarked].sort(), lost);
    assert.equal(repository.read(MARKS_PATH), undefined);
    repository.remove('reg.example/again:2');
    await on(20);
    assert.deepEqual((await on(30)).swept, []);
    assert.deepEqual([...(await on(50)).swept].sort(), lost);
  });

  it('changes nothing in a dry run, and says what would go', async () => {
    repository.remove('reg.example/app:2');
    assert.deepEqual([...(await on(0, { isDryRun: true })).marked].sort(), lost);
    assert.equal(repository.read(MARKS_PATH), undefined);
    await on(0);
    const dry = await on(40, { isDryRun: true });
    assert.deepEqual([[...dry.swept].sort(), dry.publications], [lost, 0]);
    assertThere(kept, gone);
  });

  it('takes away in one run what it marked, without a grace period', async () => {
    repository.remove('reg.example/app:2');
    assert.deepEqual([...(await on(0, { graceMs: 0 })).swept].sort(), lost);
    assertThere(kept);
  });

  const limits: Readonly<Record<string, [Partial<CollectionOptions>, publications: number]>> = {
    'so many trees': [{ mostTrees: 2 }, 3],
    'less than one tree': [{ mostTrees: 0 }, 5],
  };
  for (const [what, [options, publications]] of Object.entries(limits)) {
    it(`takes away ${what} in one publication, and keeps the marks true`, async () => {
      repository.remove('reg.example/app:2');
      await on(0);
      const marks: number[] = [];
      const progress: string[] = [];
      const report = await on(30, {
        ...options,
        onProgress: (swept, all) => {
          progress.push(`${swept}/${all}`);
          marks.push(Object.keys(JSON.parse(repository.read(MARKS_PATH) ?? '{"trees":{}}').trees).length);
        },
      });
      assert.equal(report.publications, publications);
      assert.equal(progress.at(-1), '5/5');
      assert.ok(
        progress.every((line) => line.endsWith('/5')),
        progress.join(),
      );
      assert.deepEqual(
        marks.map((left) => lost.length - left),
        progress.map((line) => Number(line.split('/')[0])),
      );
      assertThere(kept);
    });
  }

  it('stops between two publications, and goes on another time', async () => {
    repository.remove('reg.example/app:2');
    await on(0);
    const stop = new AbortController();
    const report = await on(30, { mostTrees: 2, signal: stop.signal, onProgress: () => stop.abort() });
    assert.deepEqual([report.swept.length, report.publications], [2, 1]);
    assert.equal((await on(30)).swept.length, lost.length - 2);
    assertThere(kept);
  });

  it('finds nothing left to do where another collects at the same time', async () => {
    repository.remove('reg.example/app:2');
    await on(0);
    const [one, other] = await Promise.all([on(30, { mostTrees: 2 }), on(30, { mostTrees: 2 })]);
    assert.deepEqual([...one.swept, ...other.swept].sort(), lost);
    assertThere(kept);
  });

  it('keeps what a publication refers to that is made between two of its own', async () => {
    repository.remove('reg.example/app:2');
    await on(0);
    const left: string[] = [];
    await on(30, {
      mostTrees: 1,
      onProgress: () => {
        left.push(...(left.length === 0 ? repository.trees().filter((tree) => lost.includes(tree)) : []));
        for (const tree of left.slice(0, 1)) repository.link('reg.example/by-hand', `../${pathOf(tree)}`);
      },
    });
    assert.deepEqual(
      repository.trees().filter((tree) => lost.includes(tree)),
      left.slice(0, 1),
    );
  });

  it('removes records whose trees are gone, at once', async () => {
    const hex = '0'.repeat(64);
    repository.file(recordPath('flat', hex), '2\n');
    await on(0);
    assert.equal(repository.read(recordPath('flat', hex)), undefined);
    assertThere(kept, gone);
  });

  it('never takes away a tree without a record, and says so', async () => {
    const hex = '0'.repeat(64);
    repository.file(`${treePath('layers', hex)}/layerfs/file`);
    for (const day of [0, 40]) {
      const { notOurs, marked } = await on(day);
      assert.deepEqual([notOurs.map(({ path }) => path), marked], [[treePath('layers', hex)], []]);
    }
    assert.ok(existsSync(repository.path(treePath('layers', hex))));
  });

  function pathOf(tree: string): string {
    const [kind = '', hex = ''] = tree.split('/');
    assert.ok(isOutputName(kind));
    return treePath(kind, hex);
  }

  function recordOf(tree: string): string {
    const [kind = '', hex = ''] = tree.split('/');
    assert.ok(isOutputName(kind));
    return recordPath(kind, hex);
  }
});
