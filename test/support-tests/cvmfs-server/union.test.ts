import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { skip } from '../../support/programs.ts';

import {
  getAttribute,
  listAttributes,
  setAttribute,
  storesAttributes,
} from '../../support/cvmfs-server/system.ts';
import { IS_ROOT, look, names } from './listing.ts';
import { given, state, succeeded } from './steps.ts';
import { REPOSITORY, describeDouble, describeServer, run } from './subject.ts';
import type { Subject } from './subject.ts';

/** What `write` does below the top directory is published by a union transaction. */
async function publish(subject: Subject, write: (top: string) => void): Promise<void> {
  succeeded(await subject.run(['transaction', subject.repository]));
  write(join(subject.union, subject.top));
  succeeded(await subject.run(['publish', subject.repository]));
}

describeServer('support-tests/cvmfs-server/union: union transactions', (server) => {
  it('publish exactly the tree that was written', async () => {
    const subject = server();
    const top = `${subject.top}/tree`;
    await given(
      subject,
      { name: top, type: 'directory', uid: 0, gid: 0 },
      { name: `${top}/changed`, content: 'old', uid: 0, gid: 0 },
      { name: `${top}/removed` },
    );
    await publish(subject, (base) => {
      appendFileSync(`${base}/tree/changed`, ' and new');
      rmSync(`${base}/tree/removed`);
      mkdirSync(`${base}/tree/made`);
      writeFileSync(`${base}/tree/made/file`, '1');
      chmodSync(`${base}/tree/made/file`, 0o4711);
      utimesSync(`${base}/tree/made/file`, 1_234_567_890.5, 1_234_567_890.5);
      linkSync(`${base}/tree/made/file`, `${base}/tree/made/link`);
      symlinkSync('file', `${base}/tree/made/symlink`);
    });
    assert.deepEqual(names(subject.view, top), [
      '.',
      'changed',
      'made',
      'made/file',
      'made/link',
      'made/symlink',
    ]);
    assert.equal(look(subject.view, `${top}/changed`)?.content, 'old and new');
    const file = look(subject.view, `${top}/made/file`);
    assert.equal(file?.mode, IS_ROOT ? '4711' : undefined);
    assert.equal(file?.mtime, 1_234_567_890);
    assert.deepEqual(look(subject.view, `${top}/made/link`), file);
    assert.equal(look(subject.view, `${top}/made/symlink`)?.target, 'file');
  });

  it('leave a published file as it was for whoever has it open', async () => {
    const subject = server();
    if (subject.fixture === undefined) return;
    await given(subject, { name: `${subject.top}/open`, content: 'old', uid: 0, gid: 0 });
    const inode = lstatSync(`${subject.view}/${subject.top}/open`).ino;
    await publish(subject, (base) => appendFileSync(`${base}/open`, ' and new'));
    assert.notEqual(lstatSync(`${subject.view}/${subject.top}/open`).ino, inode);
  });

  it('publish extended attributes where the configuration says so, which an ingestion keeps or drops', async function () {
    const subject = server();
    if (!storesAttributes(Buffer.from(subject.view.replace(/\/rdonly$/, ''))))
      skip(this, 'on a file system without attributes');
    const top = `${subject.top}/attributes`;
    const view = (path: string): Buffer => Buffer.from(`${subject.view}/${top}${path}`);
    const name = 'user.overlay.opaque';
    await publish(subject, (base) => {
      mkdirSync(`${base}/attributes`);
      for (const file of ['replaced', 'kept']) writeFileSync(`${base}/attributes/${file}`, file);
      for (const path of ['', '/replaced', '/kept']) {
        setAttribute(Buffer.from(`${base}/attributes${path}`), name, Buffer.from('y'));
      }
    });
    for (const path of ['', '/replaced', '/kept'])
      assert.equal(getAttribute(view(path), name).toString(), 'y');

    await given(
      subject,
      { name: top, type: 'directory' },
      { name: `${top}/replaced`, content: 'new' },
      { name: `${top}/cloned`, type: 'link', target: `${top}/kept` },
    );
    assert.deepEqual(own(view('')), [name]);
    assert.deepEqual(own(view('/kept')), [name]);
    assert.deepEqual(own(view('/replaced')), []);
    assert.deepEqual(own(view('/cloned')), []);

    await given(subject, { name: top, type: 'directory' }, { name: `${top}/.cvmfscatalog` });
    assert.deepEqual(own(view('')), []);
  });

  it('leave out extended attributes of more than 255 bytes', async function () {
    const subject = server();
    if (!storesAttributes(Buffer.from(subject.view.replace(/\/rdonly$/, ''))))
      skip(this, 'on a file system without attributes');
    await publish(subject, (base) => {
      writeFileSync(`${base}/long-values`, '');
      for (const bytes of [255, 257, 1000]) {
        setAttribute(Buffer.from(`${base}/long-values`), `user.of-${bytes}`, Buffer.alloc(bytes, 'x'));
      }
    });
    const view = Buffer.from(`${subject.view}/${subject.top}/long-values`);
    assert.deepEqual(
      listAttributes(view).filter((name) => name.startsWith('user.of-')),
      ['user.of-255'],
    );
    assert.equal(getAttribute(view, 'user.of-255').length, 255);
  });

  it('heed .cvmfsdirtab at the root', async () => {
    const subject = server();
    await publish(subject, (base) => {
      writeFileSync(join(base, '..', '.cvmfsdirtab'), `# comment\n/${subject.top}/dirtab/*\n`);
      mkdirSync(`${base}/dirtab/folder`, { recursive: true });
      writeFileSync(`${base}/dirtab/folder/file`, '');
    });
    assert.deepEqual(names(subject.view, `${subject.top}/dirtab/folder`), ['.', '.cvmfscatalog', 'file']);
    const { stdout } = await subject.run(['list-catalogs', '-x', subject.repository]);
    assert.match(stdout, new RegExp(`^/${subject.top}/dirtab/folder$`, 'm'));
    await publish(subject, (base) => rmSync(join(base, '..', '.cvmfsdirtab')));
  });

  it('fail for a graft that makes no sense, and stay open', async () => {
    const subject = server();
    succeeded(await subject.run(['transaction', subject.repository]));
    const folder = join(subject.union, subject.top, 'graft');
    mkdirSync(folder);
    writeFileSync(`${folder}/file`, '');
    writeFileSync(`${folder}/.cvmfsgraft-file`, 'nonsense\n');
    assert.equal((await subject.run(['publish', subject.repository])).exitCode, 1);
    assert.equal(await state(subject), '(stratum0 / local - in transaction)');
    succeeded(await subject.run(['abort', '-f', subject.repository]));
    assert.deepEqual(names(subject.view, `${subject.top}/graft`), []);
  });
});

describeDouble('support-tests/cvmfs-server/union: union transactions', (double) => {
  it('publish no extended attributes where the configuration does not say so', async function () {
    const fixture = double();
    const { command, root } = fixture;
    if (!storesAttributes(Buffer.from(fixture.spool))) skip(this, 'on a file system without attributes');
    succeeded(await run(command, ['transaction', REPOSITORY]));
    writeFileSync(join(root, REPOSITORY, 'file'), '');
    setAttribute(Buffer.from(join(root, REPOSITORY, 'file')), 'user.overlay.opaque', Buffer.from('y'));
    succeeded(await run(command, ['publish', REPOSITORY]));
    assert.deepEqual(own(Buffer.from(join(fixture.view(REPOSITORY), 'file'))), []);
  });

  it('note what took effect', async () => {
    const { command, root, spool } = double();
    succeeded(await run(command, ['transaction', REPOSITORY]));
    writeFileSync(join(root, REPOSITORY, '.cvmfsgraft-file'), '');
    assert.equal((await run(command, ['publish', REPOSITORY])).exitCode, 1);
    const notes = join(spool, REPOSITORY, 'special.jsonl');
    assert.equal(existsSync(notes), true);
    assert.deepEqual(JSON.parse(readFileSync(notes, 'utf8')), { kind: 'graft', path: '.cvmfsgraft-file' });
  });
});

/** Without what the machine's security modules, or a cvmfs client, show of every file. */
function own(path: Buffer): string[] {
  return listAttributes(path).filter((name) => name.startsWith('user.overlay.'));
}
