import assert from 'node:assert/strict';

import type { Member } from './archive.ts';
import { look, names } from './listing.ts';
import { given, ingest, refused } from './steps.ts';
import { describeServer } from './subject.ts';
import type { Subject } from './subject.ts';

function link(name: string, target: string): Member {
  return { name, type: 'link', target };
}

async function prepared(subject: Subject, name: string): Promise<string> {
  const top = `${subject.top}/${name}`;
  await given(
    subject,
    { name: top, type: 'directory' },
    { name: `${top}/file`, content: 'content', mode: 0o4755, uid: 7, gid: 8, mtime: 1_234_567_890 },
    { name: `${top}/folder`, type: 'directory' },
    { name: `${top}/symlink`, type: 'symlink', target: 'file' },
    { name: `${top}/fifo`, type: 'fifo' },
  );
  return top;
}

describeServer('support-tests/cvmfs-server/ingest-links', (server) => {
  it('clones a file of the repository with its mode, owner, time and content', async () => {
    const subject = server();
    const top = await prepared(subject, 'clones');
    await given(subject, link(`${top}/clone`, `${top}/file`));
    assert.deepEqual(look(subject.view, `${top}/clone`), look(subject.view, `${top}/file`));
  });

  it('clones a file of the same stream, wherever in the stream it is', async () => {
    const subject = server();
    const top = `${subject.top}/stream`;
    await given(
      subject,
      { name: top, type: 'directory' },
      link(`${top}/early`, `${top}/file`),
      { name: `${top}/file`, content: 'content', mode: 0o600 },
      link(`${top}/late`, `${top}/file`),
    );
    const file = look(subject.view, `${top}/file`);
    assert.equal(file?.content, 'content');
    assert.deepEqual(look(subject.view, `${top}/early`), file);
    assert.deepEqual(look(subject.view, `${top}/late`), file);
  });

  it('replaces an entry, and wins over a file of the same name in the stream', async () => {
    const subject = server();
    const top = await prepared(subject, 'wins');
    await given(subject, link(`${top}/symlink`, `${top}/file`), link(`${top}/both`, `${top}/file`), {
      name: `${top}/both`,
      content: 'loses',
    });
    const file = look(subject.view, `${top}/file`);
    assert.deepEqual(look(subject.view, `${top}/symlink`), file);
    assert.deepEqual(look(subject.view, `${top}/both`), file);
  });

  it('is no group: a clone stays as it is when its target is replaced', async () => {
    const subject = server();
    const top = await prepared(subject, 'alone');
    await given(subject, link(`${top}/clone`, `${top}/file`));
    await given(subject, { name: `${top}/file`, content: 'other' });
    assert.equal(look(subject.view, `${top}/clone`)?.content, 'content');
  });

  it('clones symbolic links and special files as well', async () => {
    const subject = server();
    const top = await prepared(subject, 'others');
    await given(subject, link(`${top}/1`, `${top}/symlink`), link(`${top}/2`, `${top}/fifo`));
    assert.equal(look(subject.view, `${top}/1`)?.target, 'file');
    assert.equal(look(subject.view, `${top}/2`)?.type, 'fifo');
  });

  it('takes a target with a leading slash, or a dot and a slash, for one from the base directory', async () => {
    const subject = server();
    const top = await prepared(subject, 'slash');
    await given(subject, link(`${top}/1`, `/${top}/file`), link(`${top}/2`, `./${top}/file`));
    assert.deepEqual(names(subject.view, top), ['.', '1', '2', 'fifo', 'file', 'folder', 'symlink']);
  });

  it('resolves links in the order of their targets: a link to a link is found or not by its name', async () => {
    const subject = server();
    const top = await prepared(subject, 'order');
    await given(subject, link(`${top}/2`, `${top}/z`), link(`${top}/z`, `${top}/file`));
    assert.equal(look(subject.view, `${top}/2`)?.content, 'content');
    await refused(subject, () =>
      ingest(subject, link(`${top}/3`, `${top}/a`), link(`${top}/a`, `${top}/file`)),
    );
  });

  const hopeless: Readonly<Record<string, (top: string) => Member[]>> = {
    'to nothing': (top) => [link(`${top}/link`, `${top}/nothing`)],
    'to a directory': (top) => [link(`${top}/link`, `${top}/folder`)],
    'with .. in its target': (top) => [link(`${top}/link`, `${top}/folder/../file`)],
    'through a symbolic link': (top) => [
      { name: `${top}/way`, type: 'symlink', target: '.' },
      link(`${top}/link`, `${top}/way/file`),
    ],
    'in the root directory': (top) => [link(top.replaceAll('/', '-'), `${top}/file`)],
  };
  for (const [title, members] of Object.entries(hopeless)) {
    it(`refuses the whole stream for a link ${title}`, async () => {
      const subject = server();
      const top = await prepared(subject, title.replaceAll(' ', '-'));
      const before = names(subject.view, top);
      await refused(subject, () => ingest(subject, { name: `${top}/good` }, ...members(top)));
      assert.deepEqual(names(subject.view, top), before);
    });
  }
});
