import assert from 'node:assert/strict';

import { makeDevice } from '../../support/cvmfs-server/system.ts';
import { needsRoot } from '../../support/programs.ts';
import { archive } from './archive.ts';
import type { Member } from './archive.ts';
import { IS_ROOT, listing, look, names } from './listing.ts';
import type { Look } from './listing.ts';
import { given, ingest, ingestStream, refused, succeeded } from './steps.ts';
import { describeServer, run } from './subject.ts';

const MTIME = 1_600_000_000;
const OTHER_MTIME = 1_500_000_000;

/** With owner and mode where the tests can see them. */
function attributes(mode: string, owner: string, mtime = MTIME): Pick<Look, 'mtime' | 'mode' | 'owner'> {
  return IS_ROOT ? { mtime, mode, owner } : { mtime };
}

describeServer('support-tests/cvmfs-server/ingest-entries', (server) => {
  it('publishes directories, files, symbolic links, hard links and special files as the tar has them', async function () {
    needsRoot(this);
    const subject = server();
    const top = `${subject.top}/kinds`;
    await given(
      subject,
      { name: top, type: 'directory', uid: 5, gid: 6, mtime: OTHER_MTIME },
      { name: `${top}/file`, content: 'hello', mode: 0o4755, uid: 7, gid: 8 },
      { name: `${top}/symlink`, type: 'symlink', target: '../nowhere' },
      { name: `${top}/link`, type: 'link', target: `${top}/file` },
      { name: `${top}/whiteout`, type: 'character-device' },
      { name: `${top}/block`, type: 'block-device', major: 8, minor: 3 },
      { name: `${top}/fifo`, type: 'fifo' },
    );
    assert.deepEqual(listing(subject.view, top), {
      '.': { type: 'directory', ...attributes('755', '5:6', OTHER_MTIME) },
      file: { type: 'file', ...attributes('4755', '7:8'), content: 'hello' },
      symlink: { type: 'symlink', owner: '1000:1000', mtime: MTIME, target: '../nowhere' },
      link: { type: 'file', ...attributes('4755', '7:8'), content: 'hello' },
      whiteout: { type: 'character-device', ...attributes('644', '1000:1000'), device: 0 },
      block: { type: 'block-device', ...attributes('644', '1000:1000'), device: makeDevice(8, 3) },
      fifo: { type: 'fifo', ...attributes('644', '1000:1000') },
    });
  });

  it('keeps modes without any permission, all mode bits, large owners and times before 1970', async () => {
    const subject = server();
    const top = `${subject.top}/extremes`;
    await given(
      subject,
      { name: top, type: 'directory', mode: 0o700 },
      { name: `${top}/none`, mode: 0, uid: 4_000_000, gid: 3_999_999 },
      { name: `${top}/all`, mode: 0o7777, mtime: -86_400 },
      { name: `${top}/folder`, type: 'directory', mode: 0 },
    );
    assert.deepEqual(listing(subject.view, top), {
      '.': { type: 'directory', ...attributes('700', '1000:1000') },
      none: { type: 'file', ...attributes('0', '4000000:3999999'), content: '' },
      all: { type: 'file', ...attributes('7777', '1000:1000', -86_400), content: '' },
      folder: { type: 'directory', ...attributes('0', '1000:1000') },
    });
  });

  it('takes names as bytes, up to 255 of them, and long paths', async () => {
    const subject = server();
    const top = `${subject.top}/names`;
    const odd = ['\xe9\xff', 'a\nb', 'x'.repeat(255), `${'y'.repeat(120)}/${'z'.repeat(200)}`];
    const target = '\xe9'.repeat(300);
    await given(
      subject,
      { name: top, type: 'directory' },
      { name: `${top}/${'y'.repeat(120)}`, type: 'directory' },
      ...odd.map((name): Member => ({ name: `${top}/${name}`, content: '1' })),
      { name: `${top}/link`, type: 'link', target: `${top}/${odd[0] ?? ''}` },
      { name: `${top}/symlink`, type: 'symlink', target },
    );
    assert.deepEqual(names(subject.view, top), ['.', 'y'.repeat(120), ...odd, 'link', 'symlink'].toSorted());
    assert.equal(look(subject.view, `${top}/symlink`)?.target, target);
    assert.equal(look(subject.view, `${top}/link`)?.content, '1');
  });

  it('takes names that begin with a slash or a dot and a slash, and leaves the root directory as it is', async () => {
    const subject = server();
    const before = look(subject.view, '');
    await given(
      subject,
      { name: './', type: 'directory', mode: 0o711, mtime: 1 },
      { name: `./${subject.top}/dot/`, type: 'directory' },
      { name: `./${subject.top}/dot/file` },
      { name: `/${subject.top}/slash/`, type: 'directory' },
    );
    assert.deepEqual(names(subject.view, `${subject.top}/dot`), ['.', 'file']);
    assert.deepEqual(names(subject.view, `${subject.top}/slash`), ['.']);
    assert.deepEqual(look(subject.view, ''), before);
  });

  for (const odd of ['..', '.', '']) {
    it(`refuses a name with the part ${JSON.stringify(odd)}`, async () => {
      const subject = server();
      await given(subject, { name: `${subject.top}/odd`, type: 'directory' });
      await refused(subject, () => ingest(subject, { name: `${subject.top}/odd/${odd}/file` }));
      await refused(subject, () => ingest(subject, { name: `../${subject.top}` }));
    });
  }

  it('gives a directory that nothing names mode 755, the present time, and with -k nobody for an owner', async () => {
    const subject = server();
    const top = `${subject.top}/implied`;
    const began = Math.floor(Date.now() / 1000);
    await given(subject, { name: `${top}/folder/file` });
    for (const path of [top, `${top}/folder`]) {
      const { mtime = 0, ...rest } = look(subject.view, path) ?? {};
      assert.ok(mtime >= began - 1 && mtime <= Date.now() / 1000 + 1);
      assert.deepEqual(rest, {
        type: 'directory',
        ...(IS_ROOT ? { mode: '755', owner: '65534:65534' } : {}),
      });
    }
  });

  it('leaves a directory as it is that exists, or that an entry before implied, though it is named', async () => {
    const subject = server();
    const top = `${subject.top}/named`;
    const directory: Member = { name: top, type: 'directory', mode: 0o750, uid: 50, gid: 60 };
    await given(subject, directory);
    await given(
      subject,
      { ...directory, mode: 0o700, uid: 1, gid: 1, mtime: OTHER_MTIME },
      { name: `${top}/file` },
    );
    assert.deepEqual(look(subject.view, top), { type: 'directory', ...attributes('750', '50:60') });
    await given(
      subject,
      { name: `${top}/late/file` },
      { name: `${top}/late`, type: 'directory', mode: 0o700 },
    );
    assert.notEqual(look(subject.view, `${top}/late`)?.mtime, MTIME);
  });

  it('replaces what is no directory by what is none, and leaves the time of the directory', async () => {
    const subject = server();
    const top = `${subject.top}/replaced`;
    const replacements: readonly Member[] = [
      { name: `${top}/1`, content: 'new', mode: 0o600, mtime: OTHER_MTIME },
      { name: `${top}/2`, type: 'symlink', target: 'elsewhere' },
      { name: `${top}/3`, content: 'a file now' },
      { name: `${top}/4`, type: 'fifo' },
      { name: `${top}/5`, type: 'link', target: `${top}/1` },
    ];
    await given(
      subject,
      { name: top, type: 'directory', mtime: OTHER_MTIME },
      ...['1', '2', '4'].map((name): Member => ({ name: `${top}/${name}`, content: 'old' })),
      ...['3', '5'].map((name): Member => ({ name: `${top}/${name}`, type: 'symlink', target: '1' })),
    );
    await given(subject, ...replacements);
    const { '1': file, '5': link, ...others } = listing(subject.view, top);
    assert.deepEqual(file, { type: 'file', ...attributes('600', '1000:1000', OTHER_MTIME), content: 'new' });
    assert.deepEqual(link, file);
    assert.deepEqual(
      Object.entries(others).map(([name, { type, target }]) => [name, type, target]),
      [
        ['2', 'symlink', 'elsewhere'],
        ['3', 'file', undefined],
        ['4', 'fifo', undefined],
        ['.', 'directory', undefined],
      ],
    );
    assert.equal(others['.']?.mtime, OTHER_MTIME);
  });

  it('replaces a directory with all it holds by a file or a symbolic link', async () => {
    const subject = server();
    const top = `${subject.top}/flattened`;
    await given(
      subject,
      ...['file', 'symlink'].flatMap((name): Member[] => [
        { name: `${top}/${name}`, type: 'directory' },
        { name: `${top}/${name}/folder`, type: 'directory' },
        { name: `${top}/${name}/folder/child` },
      ]),
    );
    await given(
      subject,
      { name: `${top}/file`, content: 'now' },
      { name: `${top}/symlink`, type: 'symlink', target: 'file' },
    );
    assert.deepEqual(names(subject.view, top), ['.', 'file', 'symlink']);
    succeeded(await subject.run(['check', subject.repository]));
  });

  it('refuses two files of the same name in one stream', async () => {
    const subject = server();
    const twice: Member = { name: `${subject.top}/twice` };
    await refused(subject, () => ingest(subject, twice, { ...twice, content: 'again' }));
  });

  it('gives everything to the owner of the repository without -k', async () => {
    const subject = server();
    const stream = archive({ name: `${subject.top}/mine/file`, mode: 0o640 });
    succeeded(await subject.run(['ingest', '-t', '-', '-b', '/', subject.repository], stream));
    for (const path of ['mine', 'mine/file']) {
      const owner = look(subject.view, `${subject.top}/${path}`)?.owner;
      assert.equal(owner, IS_ROOT ? '0:0' : undefined);
    }
  });

  it('gives everything to the user of -u, and to his own group whatever -g says', async function () {
    needsRoot(this);
    const subject = server();
    const words = ['ingest', '-u', 'daemon', '-g', 'root', '-t', '-', '-b', '/', subject.repository];
    succeeded(await subject.run(words, archive({ name: `${subject.top}/theirs` })));
    const { stdout } = await run('id', ['-g', 'daemon']);
    assert.match(look(subject.view, `${subject.top}/theirs`)?.owner ?? '', new RegExp(`:${stdout.trim()}$`));
  });

  it('extracts below the base directory, which it makes, and finds the targets of links there', async () => {
    const subject = server();
    const stream = archive({ name: 'file', content: '1' }, { name: 'link', type: 'link', target: 'file' });
    const base = `/${subject.top}/base/folder/`;
    succeeded(await subject.run(['ingest', '-k', '-t', '-', '-b', base, subject.repository], stream));
    assert.deepEqual(names(subject.view, `${subject.top}/base`), [
      '.',
      'folder',
      'folder/file',
      'folder/link',
    ]);
  });

  it('refuses to touch .cvmfs', async () => {
    await refused(server(), () => ingest(server(), { name: '.cvmfs/file' }));
  });

  it('reads a file instead of standard input', async () => {
    const subject = server();
    await refused(subject, () =>
      subject.run(['ingest', '-t', '/nowhere.tar', '-b', '/', subject.repository]),
    );
    await refused(subject, () => ingestStream(subject, Buffer.from('no tar stream at all'.repeat(100))));
  });
});
