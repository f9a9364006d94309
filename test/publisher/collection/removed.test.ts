import assert from 'node:assert/strict';
import { collect } from '../../../publisher/collection/collect.ts';
import type { CollectionReport } from '../../../publisher/collection/report.ts';
import { manifestPath, removedPath } from '../../../publisher/image/layout.ts';
import type { RepositoryPublisher } from '../../../publisher/pipeline/repository-publisher.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { SyntheticRepository } from './synthetic-repository.ts';

const DAY = 24 * 60 * 60 * 1000;
const START = Date.parse('2026-12-01T00:00:00Z');
const NAME = 'reg.example/lab/tool:1';

describe('publisher/collection/removed', () => {
  let repository: SyntheticRepository;
  let publisher: RepositoryPublisher;

  beforeEach(async () => {
    repository = new SyntheticRepository(await temporaryDirectory('removed'));
    publisher = await repository.publisher();
    repository.image('reg.example/lab/app:1', ['base']);
  });
  afterEach(() => publisher.close());

  /** Publishes an image and takes it back on the day `day`, as a removal does. */
  function takeBack(layers: readonly string[], day = 0, name = NAME): void {
    repository.image(name, layers);
    const manifest = repository.read(manifestPath(name)) ?? '';
    repository.file(removedPath(name, 'manifest.json'), manifest);
    repository.file(removedPath(name, 'podman.json'), '{}');
    const removed = new Date(START + day * DAY).toISOString();
    repository.file(removedPath(name, 'removed.json'), JSON.stringify({ format: 1, removed, reason: 'x' }));
    repository.remove(name);
  }

  async function on(day: number): Promise<CollectionReport> {
    return await collect(publisher, {
      graceMs: 30 * DAY,
      nowMs: START + day * DAY,
      isDryRun: false,
      isClockConfirmed: true,
    });
  }

  const isKept = (name = NAME): boolean => repository.has(removedPath(name, 'manifest.json'));

  it('goes with the last of its trees, and its folders with it', async () => {
    takeBack(['base', 'top']);
    await on(5);
    await on(34);
    assert.ok(isKept());
    assert.equal((await on(35)).swept.length, 3);
    assert.ok(!repository.has('.unpackd/removed/reg.example'));
    assert.ok(repository.has('.unpackd/removed'));
  });

  it('stays for the grace period where others have all of its trees', async () => {
    takeBack(['base']);
    takeBack(['base'], 0, 'reg.example/lab/other:1');
    takeBack(['base'], 20, 'reg.example/late:1');
    await on(29);
    assert.ok(isKept());
    await on(30);
    assert.deepEqual([NAME, 'reg.example/lab/other:1', 'reg.example/late:1'].map(isKept), [
      false,
      false,
      true,
    ]);
    await on(50);
    assert.ok(!repository.has('.unpackd/removed/reg.example'));
  });

  it('stays while one of its trees does', async () => {
    takeBack(['base', 'top']);
    await on(0);
    repository.file(`${repository.layer('top')}/notes.txt`);
    await on(40);
    assert.ok(isKept());
  });

  it('goes once its name is published again, though its trees wait', async () => {
    takeBack(['base', 'top']);
    takeBack(['base', 'top'], 0, 'reg.example/lab/other:1');
    await on(1);
    assert.ok(isKept());
    repository.image(NAME, ['base', 'new']);
    const { waiting } = await on(2);
    assert.deepEqual([isKept(), isKept('reg.example/lab/other:1'), waiting.length], [false, true, 3]);
    assert.ok(repository.has(manifestPath(NAME)));
  });

  const broken: Readonly<Record<string, () => void>> = {
    'without its time': () => repository.delete(removedPath(NAME, 'removed.json')),
    'whose time cannot be read': () =>
      repository.file(removedPath(NAME, 'removed.json'), '{"removed":"now"}'),
    'without its manifest': () => repository.delete(removedPath(NAME, 'manifest.json')),
    'whose manifest cannot be read': () => repository.file(removedPath(NAME, 'manifest.json'), '{'),
  };
  for (const [what, breakIt] of Object.entries(broken)) {
    it(`stays, is reported, and keeps nothing else, ${what}`, async () => {
      takeBack(['base', 'top']);
      breakIt();
      await on(0);
      const { notOurs, swept } = await on(40);
      assert.deepEqual(
        notOurs.map(({ path }) => path),
        [`.unpackd/removed/${NAME}`],
      );
      assert.equal(swept.length, 3);
      assert.ok(repository.has(removedPath(NAME, 'podman.json')));
    });
  }

  it('is reported where something else lies there', async () => {
    takeBack(['base']);
    repository.file('.unpackd/removed/reg.example/notes.txt');
    const { notOurs } = await on(40);
    assert.deepEqual(
      notOurs.map(({ path }) => path),
      ['.unpackd/removed/reg.example/notes.txt'],
    );
    assert.ok(repository.has('.unpackd/removed/reg.example/notes.txt'));
    assert.ok(!isKept());
  });
});
