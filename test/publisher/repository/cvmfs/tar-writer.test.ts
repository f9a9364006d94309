import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { extract, type Header } from 'tar-stream';
import type { Attributes, Entry } from '../../../../publisher/publication/entry.ts';
import { storedTarget } from '../../../../publisher/publication/entry.ts';
import { tarArchive } from '../../../../publisher/repository/cvmfs/tar-writer.ts';
import { directoryEntry, fileEntry, linkEntry, sliced, specialEntry, symlinkEntry } from '../entries.ts';
import { pseudoRandom } from '../../../support/e2e/pseudo-random.ts';
import { describeWith, needsRoot } from '../../../support/programs.ts';
import { temporaryDirectory } from '../../../support/setup.ts';
import { snapshot } from '../../../support/trees/snapshot.ts';

const run = promisify(execFile);

async function archiveOf(...entries: Entry[]): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of tarArchive(sliced(entries))) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** As tar-stream reads it, names one character a byte. */
async function read(archive: Buffer): Promise<{ header: Header; content: string }[]> {
  const found: { header: Header; content: string }[] = [];
  // Known to the code, though not to its types.
  const options: object = { filenameEncoding: 'latin1' };
  const reader = extract(options);
  reader.end(archive);
  for await (const entry of reader) found.push({ header: entry.header, content: await text(entry) });
  return found;
}

/** As GNU tar unpacks it, with owners and all permissions. */
async function unpack(archive: Buffer): Promise<string> {
  const folder = await temporaryDirectory('tar');
  const path = join(await temporaryDirectory('tar'), 'archive.tar');
  await writeFile(path, archive);
  await run('tar', ['--extract', '--preserve-permissions', '--numeric-owner', '--file', path, '-C', folder]);
  return folder;
}

/** A path of exactly `length` bytes whose components a file system takes. */
function pathOf(length: number, last = 'n'): string {
  const folders = 'folder/'.repeat(40);
  return `${folders.slice(0, length - last.length - 1).replace(/\/$/, 'x')}/${last}`;
}

function parentsOf(path: string): Entry[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => directoryEntry(parts.slice(0, index + 1).join('/')));
}

const LENGTHS = [97, 98, 99, 100, 101, 102, 155, 156, 255, 256, 257];

describe('publisher/repository/cvmfs/tar-writer: tarArchive', () => {
  describe('as tar-stream reads it', () => {
    for (const length of LENGTHS) {
      it(`holds names and targets of ${length} bytes`, async () => {
        const [path, target] = [pathOf(length), pathOf(length, 't')];
        const entries = [
          fileEntry(path, 'content'),
          linkEntry(`${path}2`, path),
          symlinkEntry(path, target),
          directoryEntry(path),
        ];
        const found = await read(
          await archiveOf(...entries, linkEntry('short', path), linkEntry(path, 'short')),
        );
        const shown = found.map(({ header: { name, type, linkname } }) => [
          type,
          name,
          linkname ?? undefined,
        ]);
        assert.deepEqual(shown, [
          ['file', path, undefined],
          ['link', `${path}2`, path],
          ['symlink', path, target],
          ['directory', `${path}/`, undefined],
          ['link', 'short', path],
          ['link', path, 'short'],
        ]);
      });
    }

    const NUMBERS: readonly (readonly [what: string, attributes: Partial<Attributes>])[] = [
      ['owners at the limit of the octal form', { uid: 0o7777777, gid: 0o7777777 }],
      ['owners beyond the limit of the octal form', { uid: 0o10000000, gid: 4_000_000_000 }],
      ['the last second of the octal form', { mtime: 0o77777777777 }],
      ['the first second beyond the octal form', { mtime: 0o100000000000 }],
      ['all bits of a mode', { mode: 0o7777 }],
      ['no bits of a mode', { mode: 0 }],
    ];
    for (const [what, attributes] of NUMBERS) {
      it(`keeps ${what}`, async () => {
        const entry = fileEntry('name', '', attributes);
        const [found] = await read(await archiveOf(entry));
        const { mode, uid, gid, mtime } = entry.attributes;
        assert.deepEqual(
          [found?.header.mode, found?.header.uid, found?.header.gid, found?.header.mtime?.getTime()],
          [mode, uid, gid, mtime * 1000],
        );
      });
    }

    for (const sizeBytes of [0o77777777777, 0o100000000000, 2 ** 45]) {
      it(`announces a file of ${sizeBytes} bytes`, async () => {
        const piece = Buffer.alloc(64 * 1024);
        const endless = function* () {
          for (;;) yield piece;
        };
        const entry: Entry = { ...fileEntry('large'), sizeBytes, content: endless() };
        const reader = extract();
        const announced = new Promise<number | undefined>((resolve) => {
          reader.once('entry', ({ size }) => resolve(size));
        });
        for await (const chunk of tarArchive(sliced([entry]))) {
          reader.write(chunk);
          break;
        }
        assert.equal(await announced, sizeBytes);
        reader.destroy();
      });
    }

    it('holds devices with their numbers, and fifos', async () => {
      const found = await read(
        await archiveOf(
          specialEntry('deleted', 'character-device'),
          specialEntry('character', 'character-device', { major: 0o7777777, minor: 0o7777777 }),
          specialEntry('block', 'block-device', { major: 8, minor: 1 }),
          specialEntry('fifo', 'fifo'),
        ),
      );
      assert.deepEqual(
        found.map(({ header: { name, type, devmajor, devminor } }) => [name, type, devmajor, devminor]),
        [
          ['deleted', 'character-device', 0, 0],
          ['character', 'character-device', 0o7777777, 0o7777777],
          ['block', 'block-device', 8, 1],
          ['fifo', 'fifo', 0, 0],
        ],
      );
    });
  });

  describeWith(['tar'], 'as GNU tar unpacks it', () => {
    it('holds names and targets of all lengths around 100', async () => {
      for (let length = 95; length <= 105; length++) {
        const path = pathOf(length);
        const names = [
          fileEntry(path, 'content'),
          linkEntry(`${path}2`, path),
          symlinkEntry(`${path}3`, path),
        ];
        const found = await snapshot(await unpack(await archiveOf(...parentsOf(path), ...names)));
        assert.match(found.get(path) ?? '', /^file /, path);
        assert.equal(found.get(`${path}2`), found.get(path));
        assert.ok(found.get(`${path}3`)?.endsWith(` -> ${path}`));
      }
    });

    const NAMES = [
      'caf\xe9',
      'new\nline',
      'back\\slash',
      'tab\tand\x7fdel',
      'ends with space ',
      '\xff'.repeat(255),
    ];
    for (const name of NAMES) {
      it(`holds the name ${JSON.stringify(name.slice(0, 20))}`, async () => {
        const path = `folder/${name}`;
        const archive = await archiveOf(
          directoryEntry('folder'),
          fileEntry(path, 'content'),
          linkEntry('linked', path),
          symlinkEntry('pointing', path),
        );
        const found = await snapshot(await unpack(archive));
        assert.deepEqual([...found.keys()].sort(), ['folder', path, 'linked', 'pointing'].sort());
        assert.equal(found.get('linked'), found.get(path));
        assert.ok(found.get('pointing')?.endsWith(` -> ${path}`));
      });
    }

    it('holds targets as long as a file system takes them', async () => {
      const target = `${'a/'.repeat(2046)}b`;
      const found = await snapshot(await unpack(await archiveOf(symlinkEntry('name', target))));
      assert.ok(found.get('name')?.endsWith(` -> ${target}`));
    });

    it('keeps owners, modes and times', async function () {
      needsRoot(this);
      const archive = await archiveOf(
        fileEntry('setuid', 'x', { mode: 0o4711, uid: 4_000_000, gid: 3_000_000_000 }),
        fileEntry('secret', 'y', { mode: 0, uid: 1, gid: 2, mtime: 1 }),
        directoryEntry('sticky', { mode: 0o1777, uid: 1000, gid: 100 }),
        specialEntry('deleted', 'character-device', { mode: 0, mtime: 5 }),
        specialEntry('disk', 'block-device', { mode: 0o660, gid: 6, major: 259, minor: 1000 }),
      );
      const found = await snapshot(await unpack(archive));
      assert.match(found.get('setuid') ?? '', /^file 4711 4000000:3000000000 1 1700000000 /);
      assert.match(found.get('secret') ?? '', /^file 0000 1:2 1 1 /);
      assert.equal(found.get('sticky'), 'directory 1777 1000:100');
      assert.match(found.get('deleted') ?? '', /^special 20000 0000 0:0 0$/);
      assert.match(found.get('disk') ?? '', /^special 60000 0660 0:6 \d{6,}$/);
    });

    // tar-stream reads times before 1970 as one second later.
    for (const [mtime, second] of [
      [1.9, 1],
      [-1, -1],
      [-1.1, -2],
      [-(2 ** 31), -(2 ** 31)],
    ] as const) {
      it(`keeps the time ${mtime}, in whole seconds`, async () => {
        const found = await snapshot(await unpack(await archiveOf(fileEntry('name', '', { mtime }))));
        assert.equal(found.get('name')?.split(' ')[4], String(second));
      });
    }

    const MIB = 1024 * 1024;
    it('holds contents of all sizes, also across the borders of chunks', async () => {
      const sizes = [
        0,
        1,
        511,
        512,
        513,
        65_535,
        65_536,
        65_537,
        MIB - 1024,
        MIB - 512,
        MIB,
        MIB + 1,
        3 * MIB + 7,
      ];
      const contents = sizes.map((size) => Buffer.alloc(size, `content of ${size} bytes`));
      const entries = contents.map((content, index) => fileEntry(`f${index}`, content));
      const folder = await unpack(await archiveOf(...entries));
      const expected = await temporaryDirectory('tar');
      for (const [index, content] of contents.entries())
        await writeFile(join(expected, `f${index}`), content);
      const digests = async (root: string) =>
        [...(await snapshot(root))].map(([path, line]) => `${path} ${line.split(' ').at(-1)}`).sort();
      assert.deepEqual(await digests(folder), await digests(expected));
    });

    it('holds a content that comes in many pieces', async () => {
      const pieces = Array.from({ length: 3000 }, (_, index) =>
        Buffer.from(`piece ${index}\n`.repeat(index % 90)),
      );
      const sizeBytes = pieces.reduce((sum, { length }) => sum + length, 0);
      const folder = await unpack(
        await archiveOf({ ...fileEntry('name'), sizeBytes, content: pieces }, fileEntry('next', 'x')),
      );
      const { stdout } = await run('cat', [join(folder, 'name'), join(folder, 'next')], {
        maxBuffer: 2 ** 28,
      });
      assert.equal(stdout, `${Buffer.concat(pieces).toString()}x`);
    });
  });

  it('consists of whole blocks and ends with two of zeros', async () => {
    const archive = await archiveOf(fileEntry('name', 'x'));
    assert.equal(archive.length, 4 * 512);
    assert.ok(archive.subarray(-1024).every((byte) => byte === 0));
  });

  for (const sizeBytes of [2, 4]) {
    it(`is refused where a content of 3 bytes was announced with ${sizeBytes}`, async () => {
      await assert.rejects(archiveOf({ ...fileEntry('name', 'abc'), sizeBytes }), /name/);
    });
  }

  it('passes the error of a content on', async () => {
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x');
      throw new Error('the content broke');
    };
    await assert.rejects(
      archiveOf({ ...fileEntry('name'), sizeBytes: 2, content: failing() }),
      /the content broke/,
    );
  });
});

const ENVIRONMENT: Readonly<Record<string, string>> = { HOME: '/root', CVMFS_ARCH: 'x86_64' };

/** What a client makes of a target, by the rule of its source. */
function shown(stored: string): string {
  return stored.replace(/\$\(([^)]*)\)/g, (_, inside: string) => {
    const at = inside.indexOf(':-');
    const name = at === -1 ? inside : inside.slice(0, at);
    return ENVIRONMENT[name] ?? (at === -1 ? '' : inside.slice(at + 2));
  });
}

describe('publisher/repository/cvmfs/tar-writer: repository/cvmfs/variant-symlinks', () => {
  const targets: readonly string[] = [
    'plain',
    '$HOME/x',
    '$(HOME)/x',
    '/a/$(HOME',
    '$(HOME:-y)',
    '$(NOBODY)',
    '$(NOBODY:-z)/$(HOME)',
    '$$(HOME)',
    '$($(HOME))',
    '$(',
    '$(:-$)(HOME)',
    '$()',
    'caf\xe9/$(HOME)',
  ];
  for (const target of targets) {
    it(`lets clients show ${JSON.stringify(target)} of an image as it is`, () => {
      assert.equal(shown(storedTarget(symlinkEntry('link', target))), target);
    });
  }

  it('lets clients show any target of an image as it is', () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = pseudoRandom(seed);
    const parts = ['$', '(', ')', ':-', 'HOME', 'x'];
    for (let round = 0; round < 2000; round += 1) {
      const target = Array.from({ length: 12 }, () => parts[Math.floor(random() * parts.length)]).join('');
      assert.equal(shown(storedTarget(symlinkEntry('link', target))), target, `seed ${seed}`);
    }
  });

  it('leaves a link as it is that is meant for several architectures', () => {
    const target = '.multiarch/$(CVMFS_ARCH:-amd64)/a.example/x:1';
    assert.equal(storedTarget({ ...symlinkEntry('link', target), isVariant: true }), target);
  });
});
