import assert from 'node:assert/strict';

import type { CvmfsFixture } from '../../support/cvmfs-server/fixture.ts';
import { archive } from './archive.ts';
import { names } from './listing.ts';
import { describeDouble, REPOSITORY, run } from './subject.ts';
import type { Outcome } from './subject.ts';

const BEFORE = ['.', 'a b', 'a:b', 'file', 'folder', 'folder/child'];

/** Read in cvmfs_server_ingest.sh and sync_union_tarball.cc of 2.14, and not run. */
describeDouble(
  'support-tests/cvmfs-server/newer-release',
  (fixture) => {
    it('deletes paths with colons, and ends the list at a blank', async () => {
      const view = await prepared(fixture());
      await deleted(fixture(), 'top/a:b', 'top/file', 'top/a b');
      assert.deepEqual(
        names(view, 'top'),
        BEFORE.filter((name) => name !== 'a:b' && name !== 'file'),
      );
    });

    it('takes slashes that come twice for one', async () => {
      const view = await prepared(fixture());
      await deleted(fixture(), 'top//file', 'top/folder///child');
      assert.deepEqual(
        names(view, 'top'),
        BEFORE.filter((name) => name !== 'file' && name !== 'folder/child'),
      );
    });

    it('takes the mount off an absolute path, and forgets all others', async () => {
      const view = await prepared(fixture());
      await deleted(fixture(), 'top/folder', `/cvmfs/${REPOSITORY}/top/file`);
      assert.deepEqual(
        names(view, 'top'),
        BEFORE.filter((name) => name !== 'file'),
      );
    });

    it('makes an empty file of a link without target with -m, and fails without', async () => {
      const stream = archive({ name: 'top/link', type: 'link', target: 'nowhere' });
      const view = await prepared(fixture());
      assert.equal((await ingest(fixture(), stream)).exitCode, 1);
      assert.deepEqual(names(view, 'top'), BEFORE);
      assert.equal((await ingest(fixture(), stream, '-m')).exitCode, 0);
      assert.deepEqual(names(view, 'top'), [...BEFORE, 'link'].toSorted());
    });

    it('fails where the paths are too long for a shell, and leaves no transaction', async () => {
      const view = await prepared(fixture());
      const paths = Array.from({ length: 2000 }, (_, index) => `top/${'x'.repeat(60)}${index}`);
      const outcome = await ingest(fixture(), Buffer.alloc(0), ...options(paths));
      assert.equal(outcome.exitCode, 1);
      assert.match(outcome.stderr, /Argument list too long/);
      await deleted(fixture(), 'top/file');
      assert.equal(names(view, 'top').includes('file'), false);
    });
  },
  '2.14',
);

async function prepared(fixture: CvmfsFixture): Promise<string> {
  const stream = archive(
    { name: 'top', type: 'directory' },
    { name: 'top/file' },
    { name: 'top/a:b' },
    { name: 'top/a b' },
    { name: 'top/folder', type: 'directory' },
    { name: 'top/folder/child' },
  );
  assert.equal((await ingest(fixture, stream)).exitCode, 0);
  return fixture.view(REPOSITORY);
}

async function ingest(fixture: CvmfsFixture, stream: Buffer, ...more: string[]): Promise<Outcome> {
  return await run(fixture.command, ['ingest', '-k', ...more, '-t', '-', '-b', '/', REPOSITORY], stream);
}

async function deleted(fixture: CvmfsFixture, ...paths: string[]): Promise<void> {
  const outcome = await run(fixture.command, ['ingest', ...options(paths), REPOSITORY]);
  assert.equal(outcome.exitCode, 0, outcome.stderr);
}

function options(paths: readonly string[]): string[] {
  return paths.flatMap((path) => ['-d', path]);
}
