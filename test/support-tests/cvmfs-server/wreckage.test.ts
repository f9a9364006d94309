import assert from 'node:assert/strict';

import { names } from './listing.ts';
import { given, ingest, succeeded } from './steps.ts';
import { describeWreckage } from './subject.ts';
import type { Subject } from './subject.ts';

/** The last file by its name: it leaves a real repository corrupt. */
describeWreckage('support-tests/cvmfs-server/wreckage: what corrupts a repository', (server) => {
  it('is not a directory entry over a file, which has no effect', async () => {
    const subject = server();
    const path = `${subject.top}/harmless`;
    await given(subject, { name: path, content: 'file' });
    succeeded(await ingest(subject, { name: path, type: 'directory' }));
    assert.deepEqual(names(subject.view, path), ['.']);
    await expectCheck(subject, 0);
  });

  it('is to take the marker from a nested catalog, until it is there again', async () => {
    const subject = server();
    const top = `${subject.top}/marker`;
    await given(subject, { name: top, type: 'directory' }, { name: `${top}/.cvmfscatalog` });
    succeeded(await subject.run(['ingest', '-d', `${top}/.cvmfscatalog`, subject.repository]));
    await expectCheck(subject, 1);
    await given(subject, { name: top, type: 'directory' }, { name: `${top}/.cvmfscatalog` });
    await expectCheck(subject, 0);
  });

  it('is to turn a file into a directory with something in it: it succeeds, shows the file, and is for ever', async () => {
    const subject = server();
    const top = `${subject.top}/turned`;
    await given(
      subject,
      { name: top, type: 'directory' },
      { name: `${top}/file` },
      { name: `${top}/symlink`, type: 'symlink', target: 'file' },
    );
    succeeded(
      await ingest(
        subject,
        { name: `${top}/file`, type: 'directory' },
        { name: `${top}/file/child` },
        { name: `${top}/symlink/folder`, type: 'directory' },
        { name: `${top}/symlink/folder/child` },
      ),
    );
    assert.deepEqual(names(subject.view, top), ['.', 'file', 'symlink']);
    await expectCheck(subject, 1);
    succeeded(await subject.run(['ingest', '-d', top, subject.repository]));
    await expectCheck(subject, 1);
  });
});

describeWreckage('support-tests/cvmfs-server/wreckage: a hard link', (server) => {
  it('corrupts the repository where it takes the place of a directory', async () => {
    const subject = server();
    const top = `${subject.top}/link`;
    await given(
      subject,
      { name: top, type: 'directory' },
      { name: `${top}/file` },
      { name: `${top}/folder`, type: 'directory' },
      { name: `${top}/folder/child` },
    );
    succeeded(await ingest(subject, { name: `${top}/folder`, type: 'link', target: `${top}/file` }));
    assert.deepEqual(names(subject.view, top), ['.', 'file', 'folder']);
    await expectCheck(subject, 1);
  });
});

async function expectCheck(subject: Subject, exitCode: number): Promise<void> {
  const outcome = await subject.run(['check', subject.repository]);
  assert.equal(outcome.exitCode, exitCode, outcome.stderr);
}
