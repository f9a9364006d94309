import assert from 'node:assert/strict';

import type { Member } from './archive.ts';
import { archive } from './archive.ts';
import { IS_ROOT, look, names } from './listing.ts';
import { given, ingest, refused, succeeded } from './steps.ts';
import { describeServer } from './subject.ts';
import type { Subject } from './subject.ts';

function directory(name: string, more: Partial<Member> = {}): Member {
  return { name, type: 'directory', ...more };
}

/** The nested catalogs below `top`, with the number of entries in each. */
async function catalogs(subject: Subject, top: string): Promise<Record<string, number>> {
  const outcome = await subject.run(['list-catalogs', '-e', '-x', subject.repository]);
  succeeded(outcome);
  const lines = outcome.stdout.split('\n').map((line) => line.split(' '));
  const below = lines.filter(([, path]) => path?.startsWith(`/${top}`));
  return Object.fromEntries(
    below.map(([entries, path = '']) => [path.slice(top.length + 1), Number(entries)]),
  );
}

describeServer('support-tests/cvmfs-server/catalogs', (server) => {
  it('begin at each directory into which a stream puts .cvmfscatalog, be it a file or a hard link', async () => {
    const subject = server();
    const top = `${subject.top}/begin`;
    await given(
      subject,
      directory(top),
      { name: `${top}/.cvmfscatalog` },
      { name: `${top}/file` },
      directory(`${top}/inner`),
      { name: `${top}/inner/.cvmfscatalog`, type: 'link', target: `${top}/.cvmfscatalog` },
      { name: `${top}/inner/file` },
      directory(`${top}/plain`),
      { name: `${top}/plain/file`, content: '.cvmfscatalog' },
    );
    assert.deepEqual(await catalogs(subject, top), { '': 6, '/inner': 3 });
    await given(subject, { name: `${top}/inner/more` });
    assert.deepEqual(await catalogs(subject, top), { '': 6, '/inner': 4 });
    succeeded(await subject.run(['check', subject.repository]));
  });

  it('give their directory the attributes of its last entry, even if it exists', async () => {
    const subject = server();
    const top = `${subject.top}/attributes`;
    await given(subject, directory(top, { mode: 0o755 }));
    const again = directory(top, { mode: 0o711, uid: 3, gid: 4, mtime: 777 });
    await given(subject, again, { name: `${top}/.cvmfscatalog` });
    assert.deepEqual(look(subject.view, top), {
      type: 'directory',
      mtime: 777,
      ...(IS_ROOT ? { mode: '711', owner: '3:4' } : {}),
    });
  });

  it('spoil the attributes of an existing directory that the stream does not name', async () => {
    const subject = server();
    const top = `${subject.top}/spoilt`;
    await given(subject, directory(top, { mode: 0o711, mtime: 777 }));
    await given(subject, { name: `${top}/.cvmfscatalog` });
    const found = look(subject.view, top);
    assert.notEqual(found?.mtime, 777);
    assert.equal(found?.owner, IS_ROOT ? '65534:65534' : undefined);
  });

  it('end with their directory', async () => {
    const subject = server();
    const top = `${subject.top}/end`;
    await given(subject, directory(top), directory(`${top}/inner`), { name: `${top}/inner/.cvmfscatalog` });
    succeeded(await subject.run(['ingest', '-d', `${top}/inner`, subject.repository]));
    assert.deepEqual(await catalogs(subject, top), {});
    succeeded(await subject.run(['check', subject.repository]));
  });

  it('begin at the base directory with -c', async () => {
    const subject = server();
    const top = `${subject.top}/base`;
    const stream = archive({ name: 'file' });
    succeeded(await subject.run(['ingest', '-k', '-c', '-t', '-', '-b', top, subject.repository], stream));
    assert.deepEqual(names(subject.view, top), ['.', '.cvmfscatalog', 'file']);
    assert.deepEqual(await catalogs(subject, top), { '': 3 });
  });

  it('cannot begin at the root, or at a marker that is no file', async () => {
    const subject = server();
    await refused(subject, () => ingest(subject, { name: '.cvmfscatalog' }));
    await refused(subject, () =>
      ingest(subject, { name: `${subject.top}/no/.cvmfscatalog`, type: 'symlink', target: 'x' }),
    );
  });

  it('do not begin because of a .cvmfsdirtab at the root, whether a stream brings it or it is there', async () => {
    const subject = server();
    const top = `${subject.top}/dirtab`;
    const mine = { uid: 0, gid: 0 };
    await given(subject, { name: '.cvmfsdirtab', content: `/${top}/*\n` });
    try {
      await given(subject, directory(top, mine), directory(`${top}/folder`, mine), {
        name: `${top}/folder/file`,
      });
      await given(subject, { name: `${top}/folder/more` });
      assert.deepEqual(await catalogs(subject, top), {});
    } finally {
      succeeded(await subject.run(['ingest', '-d', '.cvmfsdirtab', subject.repository]));
    }
  });
});
