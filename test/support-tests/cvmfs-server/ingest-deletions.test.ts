import assert from 'node:assert/strict';

import { archive } from './archive.ts';
import { names } from './listing.ts';
import { given, ingestStream, refused, succeeded } from './steps.ts';
import { describeServer } from './subject.ts';
import type { Subject } from './subject.ts';

async function prepared(subject: Subject, name: string): Promise<string> {
  const top = `${subject.top}/${name}`;
  await given(
    subject,
    { name: top, type: 'directory' },
    { name: `${top}/file` },
    { name: `${top}/a:b` },
    { name: `${top}/a b` },
    { name: `${top}/folder`, type: 'directory' },
    { name: `${top}/folder/child` },
  );
  return top;
}

const ALL = ['.', 'a b', 'a:b', 'file', 'folder', 'folder/child'];

describeServer('support-tests/cvmfs-server/ingest-deletions', (server) => {
  it('deletes files and trees, several at once, with or without a slash at the end', async () => {
    const subject = server();
    const top = await prepared(subject, 'several');
    succeeded(await subject.run(['ingest', '-d', `${top}/file`, '-d', `${top}/folder/`, subject.repository]));
    assert.deepEqual(names(subject.view, top), ['.', 'a b', 'a:b']);
  });

  it('deletes before it adds from a stream', async () => {
    const subject = server();
    const top = await prepared(subject, 'before');
    const stream = archive({ name: `${top}/new` });
    succeeded(await ingestStream(subject, stream, '-d', `${top}/folder`));
    assert.deepEqual(names(subject.view, top), ['.', 'a b', 'a:b', 'file', 'new']);
  });

  it('warns of a path that does not exist, and publishes', async () => {
    const subject = server();
    const top = await prepared(subject, 'missing');
    const outcome = await ingestStream(subject, archive({ name: `${top}/new` }), '-d', `${top}/nothing`);
    succeeded(outcome);
    assert.match(outcome.stderr, /nothing/);
    assert.deepEqual(names(subject.view, top), [...ALL, 'new'].toSorted());
  });

  it('takes a path apart at colons and ends it at a blank', async () => {
    const subject = server();
    const top = await prepared(subject, 'apart');
    const outcome = await subject.run(['ingest', '-d', `${top}/a:b`, '-d', `${top}/a b`, subject.repository]);
    succeeded(outcome);
    assert.deepEqual(names(subject.view, top), ALL);
  });

  it('takes what one argument of a shell holds, whose command has 128 KiB with it, and fails with more', async () => {
    const subject = server();
    const top = await prepared(subject, 'border');
    // With the colon between them.
    const pathOf = (index: number): string =>
      `${top}/${String(index).padEnd(1024 - top.length - 2, 'folder/x')}`;
    const wordsOf = (kibibytes: number): string[] => [
      ...Array.from({ length: kibibytes }, (_, index) => ['-d', pathOf(index)]).flat(),
      '-d',
      `${top}/file`,
    ];
    await refused(subject, () => subject.run(['ingest', ...wordsOf(128), subject.repository]));
    succeeded(await subject.run(['ingest', ...wordsOf(96), subject.repository]));
    assert.equal(names(subject.view, top).includes('file'), false);
  });

  it('refuses a path with a leading slash that exists', async () => {
    const subject = server();
    const top = await prepared(subject, 'slash');
    await refused(subject, () => subject.run(['ingest', '-d', `/${top}/file`, subject.repository]));
  });

  for (const order of [
    ['folder', 'folder/child'],
    ['folder/child', 'folder'],
  ]) {
    it(`refuses to delete ${order.join(', then ')}`, async () => {
      const subject = server();
      const top = await prepared(subject, order.join('-').replaceAll('/', '-'));
      const words = order.flatMap((path) => ['-d', `${top}/${path}`]);
      await refused(subject, () => subject.run(['ingest', ...words, subject.repository]));
      assert.deepEqual(names(subject.view, top), ALL);
    });
  }

  const conflicts = {
    'the deleted file': ['file', (top: string) => archive({ name: `${top}/file`, content: 'new' })],
    'a file in place of the directory of a deleted one': [
      'folder/child',
      (top: string) => archive({ name: `${top}/folder`, content: 'new' }),
    ],
    'a file of a deleted directory': ['folder', (top: string) => archive({ name: `${top}/folder/child` })],
    'a new file in a deleted directory': ['folder', (top: string) => archive({ name: `${top}/folder/new` })],
    'a link in a deleted directory': [
      'folder',
      (top: string) => archive({ name: `${top}/folder/new`, type: 'link', target: `${top}/file` }),
    ],
    'a link to the deleted file': [
      'file',
      (top: string) => archive({ name: `${top}/new`, type: 'link', target: `${top}/file` }),
    ],
  } as const;
  for (const [title, [path, stream]] of Object.entries(conflicts)) {
    it(`refuses to add ${title}`, async () => {
      const subject = server();
      const top = await prepared(subject, title.replaceAll(' ', '-'));
      await refused(subject, () => ingestStream(subject, stream(top), '-d', `${top}/${path}`));
      assert.deepEqual(names(subject.view, top), ALL);
    });
  }

  it('loses a directory that is deleted and added without anything in it', async () => {
    const subject = server();
    const top = await prepared(subject, 'lost');
    const stream = archive({ name: `${top}/folder`, type: 'directory' });
    succeeded(await ingestStream(subject, stream, '-d', `${top}/folder`));
    assert.deepEqual(names(subject.view, top), ['.', 'a b', 'a:b', 'file']);
  });
});
