import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import {
  applyJournal,
  commit,
  draftJournal,
  workingPaths,
  type Change,
  type WorkingPaths,
} from '../../../../publisher/repository/directory/journal.ts';
import { Staging } from '../../../../publisher/repository/directory/staging.ts';
import { WriteLosses } from '../../../../publisher/repository/inode.ts';
import { failureOf } from '../../../support/registry/quick-client.ts';
import { remove, temporaryDirectory } from '../../../support/setup.ts';
import { differences, snapshot } from '../../../support/trees/snapshot.ts';
import { directoryEntry, fileEntry, linkEntry, publication, specialEntry, symlinkEntry } from '../entries.ts';
import { NAME, Scene } from './scene.ts';

const run = promisify(execFile);

const BEFORE = [
  directoryEntry('tree', { mode: 0o555, mtime: 1000 }),
  directoryEntry('tree/in', { mtime: 1000 }),
  fileEntry('tree/in/replaced', 'old', { mtime: 1000 }),
  fileEntry('tree/in/gone', 'old', { mtime: 1000 }),
  directoryEntry('tree/gone', { mode: 0o555, mtime: 1000 }),
  fileEntry('tree/gone/file', 'old', { mtime: 1000 }),
  directoryEntry('tree/outdated', { mtime: 1000 }),
  fileEntry('tree/outdated/file', 'old', { mtime: 1000 }),
  symlinkEntry('name', 'tree'),
];

const DELETIONS = ['tree/gone', 'tree/in/gone'];
const OUTDATED = ['tree/outdated'];
const AFTER = [
  directoryEntry('tree', { mode: 0o700, mtime: 2000 }),
  directoryEntry('tree/in', { mode: 0o555, mtime: 2000 }),
  fileEntry('tree/in/replaced', 'new', { mtime: 2000 }),
  linkEntry('tree/in/linked', 'tree/in/replaced'),
  specialEntry('tree/in/deleted', 'character-device', { mtime: 2000 }),
  directoryEntry('tree/fresh', { mode: 0o555, mtime: 2000 }),
  directoryEntry('tree/fresh/inner', { mode: 0o500, mtime: 2000 }),
  fileEntry('tree/fresh/inner/file', 'new', { mtime: 2000 }),
  symlinkEntry('name', 'tree/fresh'),
  symlinkEntry('other', 'tree'),
];

/** A scene in which everything is staged, and not yet committed; and the changes that are left. */
async function staged(): Promise<{ scene: Scene; paths: WorkingPaths; changes: Change[] }> {
  const scene = await Scene.make();
  await scene.publish(BEFORE);
  const paths = workingPaths(scene.root, NAME);
  mkdirSync(paths.staging);
  const staging = new Staging(paths, new WriteLosses(), () => undefined);
  for (const path of DELETIONS) staging.remove(path);
  for (const path of OUTDATED) staging.retire(path);
  for (const entry of AFTER) await staging.add(entry);
  staging.finish();
  return { scene, paths, changes: staging.changes };
}

async function copied(scene: Scene): Promise<Scene> {
  const root = join(await temporaryDirectory('journal'), 'root');
  await run('cp', ['--archive', scene.root, root]);
  return new Scene(root);
}

/** Carries out `changes` as a publication does. */
async function apply({ root }: Scene, changes: readonly Change[]): Promise<void> {
  const paths = workingPaths(root, NAME);
  draftJournal(paths, changes);
  commit(paths);
  await applyJournal(paths);
}

describe('publisher/repository/directory/journal', () => {
  it('makes an interrupted commit complete, after whatever change it ended', async () => {
    const { scene, changes } = await staged();
    const whole = await copied(scene);
    await whole.recover();
    await whole.publish(publication(AFTER, { deletions: DELETIONS, outdated: OUTDATED }));
    const expected = await whole.published();

    assert.ok(changes.length > 8);
    for (let done = 0; done <= changes.length; done++) {
      const interrupted = await copied(scene);
      await apply(interrupted, changes.slice(0, done));
      draftJournal(workingPaths(interrupted.root, NAME), changes);
      commit(workingPaths(interrupted.root, NAME));
      await interrupted.recover();
      const found = await interrupted.published();
      // When it is done, the time of the root is the present in either.
      assert.deepEqual(differences(found, expected), [], `after ${done} changes`);
      assert.deepEqual(interrupted.leftOver(), []);
      assert.equal(interrupted.said.length, 1);
    }
  });

  it('takes away what is outdated when everything else is in place', async () => {
    const { scene, changes } = await staged();
    const last = changes.findIndex(({ kind, path }) => kind === 'remove' && path === 'tree/outdated');
    const places = changes.flatMap(({ kind }, index) => (kind === 'place' ? [index] : []));
    assert.ok(places.every((index) => index < last));
    await apply(scene, changes);
    assert.ok(!(await scene.published()).has('tree/outdated'));
  });

  it('is not there before the commit: what was staged is thrown away', async () => {
    const { scene, paths, changes } = await staged();
    const before = await scene.published();
    draftJournal(paths, changes);
    await scene.recover();
    assert.deepEqual(await scene.published(), before);
    assert.deepEqual(scene.leftOver(), []);
    assert.match(scene.said.join(), /^note: removed a publication of \S+ that was interrupted/);
  });

  it('is completed by whoever opens the repository next, before anything else', async () => {
    const { scene, paths, changes } = await staged();
    draftJournal(paths, changes);
    commit(paths);
    const repository = await scene.open();
    assert.equal(await repository.view.kindOf('other'), 'symlink');
    assert.equal(await repository.view.kindOf('tree/gone'), undefined);
    await repository.release();
    assert.deepEqual(scene.leftOver(), []);
  });

  it('is left alone while somebody holds the repository', async () => {
    const { scene, paths, changes } = await staged();
    const repository = await new Scene(scene.root).open();
    mkdirSync(paths.staging);
    draftJournal(paths, changes);
    commit(paths);
    await scene.recover();
    assert.equal(existsSync(paths.journal), true);
    await repository.release();
  });

  const UNREADABLE: readonly (readonly [what: string, text: string])[] = [
    ['empty', ''],
    ['cut off', '{"format":1,"changes":[{"kind":"place"'],
    ['of another format', '{"format":2,"changes":[]}'],
    ['with a change of another kind', '{"format":1,"changes":[{"kind":"invert","path":"x"}]}'],
  ];
  for (const [what, text] of UNREADABLE) {
    it(`makes the repository unusable where it is ${what}, and stays`, async () => {
      const scene = await Scene.make();
      await scene.publish(BEFORE);
      const { journal } = workingPaths(scene.root, NAME);
      writeFileSync(journal, text);
      const before = await scene.published();
      for (const open of [() => scene.recover(), () => scene.open()]) {
        const failure = await failureOf(open());
        assert.equal(failure.code, 'repository-unusable');
        assert.ok(failure.message.includes(journal));
      }
      assert.deepEqual(await scene.published(), before);
      assert.equal(existsSync(journal), true);
    });
  }

  for (const planted of ['tree', 'tree/in', 'tree/fresh'] as const) {
    it(`is not carried out through a link that has taken the place of ${planted} since the commit`, async () => {
      const { scene, paths, changes } = await staged();
      draftJournal(paths, changes);
      commit(paths);
      const outside = await temporaryDirectory('outside');
      mkdirSync(join(outside, 'in'));
      writeFileSync(join(outside, 'replaced'), 'of the host', { mode: 0o644 });
      chmodSync(outside, 0o755);
      // Only root may move and fill what nobody may write to.
      for (const path of [dirname(planted), planted].filter((path) =>
        existsSync(join(scene.repository, path)),
      ))
        chmodSync(join(scene.repository, path), 0o755);
      if (planted !== 'tree/fresh') renameSync(join(scene.repository, planted), join(scene.root, 'moved'));
      symlinkSync(outside, join(scene.repository, planted));
      if (planted === 'tree/fresh') remove(join(paths.staging, planted));
      const before = await snapshot(outside, { directoryTimes: true });
      const mode = lstatSync(outside).mode;
      const failure = await failureOf(scene.recover());
      assert.equal(failure.code, 'repository-unusable');
      assert.match(failure.message, new RegExp(`${planted} in .* has become a symbolic link`));
      assert.deepEqual(await snapshot(outside, { directoryTimes: true }), before);
      assert.equal(lstatSync(outside).mode, mode);
    });
  }
});
