import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { END_OF_ARCHIVE, archive, encode } from './archive.ts';
import { names } from './listing.ts';
import { ingestStream, refused, revision, succeeded } from './steps.ts';
import { describeServer } from './subject.ts';

const BLOCK_BYTES = 512;

describeServer('support-tests/cvmfs-server/ingest-streams', (server) => {
  const cuts = [100, BLOCK_BYTES + 100, 2 * BLOCK_BYTES, 2 * BLOCK_BYTES + 700, 3 * BLOCK_BYTES + 1];
  for (const cut of cuts) {
    it(`refuses a stream that ends within an entry, after ${cut} bytes`, async () => {
      const subject = server();
      const top = `${subject.top}/cut-${cut}`;
      const stream = archive(
        { name: top, type: 'directory' },
        { name: `${top}/file`, content: 'x'.repeat(700) },
      );
      await refused(subject, () => ingestStream(subject, stream.subarray(0, cut)));
      assert.deepEqual(names(subject.view, top), []);
    });
  }

  it('publishes a stream that ends between two entries without an end-of-archive mark', async () => {
    const subject = server();
    const top = `${subject.top}/between`;
    const members = [
      { name: top, type: 'directory' },
      { name: `${top}/file`, content: 'x'.repeat(700) },
    ] as const;
    succeeded(await ingestStream(subject, Buffer.concat(members.map(encode))));
    assert.deepEqual(names(subject.view, top), ['.', 'file']);
  });

  it('publishes an empty stream', async () => {
    const subject = server();
    const before = await revision(subject);
    succeeded(await ingestStream(subject, Buffer.alloc(0)));
    succeeded(await ingestStream(subject, END_OF_ARCHIVE));
    assert.equal(await revision(subject), before + 2);
  });

  it('does not read what follows the end-of-archive mark', async () => {
    const subject = server();
    const top = `${subject.top}/follows`;
    const stream = Buffer.concat([
      archive({ name: top, type: 'directory' }),
      archive({ name: `${top}/file` }),
    ]);
    succeeded(await ingestStream(subject, stream));
    assert.deepEqual(names(subject.view, top), ['.']);
  });

  it('does not wait until the writer closes the stream after the end-of-archive mark', async () => {
    const subject = server();
    const top = `${subject.top}/open`;
    const command = subject.fixture?.command ?? 'cvmfs_server';
    const child = spawn(command, ['ingest', '-k', '-t', '-', '-b', '/', subject.repository], {
      cwd: '/',
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const ended = once(child, 'exit');
    child.stdin.write(archive({ name: top, type: 'directory' }));
    assert.deepEqual(await ended, [0, null]);
    child.stdin.destroy();
    assert.deepEqual(names(subject.view, top), ['.']);
  });
});
