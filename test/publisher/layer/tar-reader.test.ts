import assert from 'node:assert/strict';
import { UNLIMITED } from '../../../publisher/layer/limits.ts';
import { TarReader } from '../../../publisher/layer/tar-reader.ts';
import type { FailureCode } from '../../../core/failure.ts';
import { device, directory, fifo, file, hardLink, symlink } from '../../support/images/layer-entry.ts';
import type { LayerEntry } from '../../support/images/layer-entry.ts';
import { withChecksum } from '../../support/images/tar-header.ts';
import {
  archiveOf,
  base256,
  chunksOf,
  ended,
  header,
  membersOf,
  pax,
  withBody,
  type Found,
} from './archive.ts';

const LIMITS = { ...UNLIMITED, headerBytes: 1024 * 1024 };
const LONG = `${'d'.repeat(120)}/${'n'.repeat(255)}`;

type Expected = Partial<Omit<Found, 'xattrs' | 'attributes'>> & {
  readonly attributes?: Partial<Found['attributes']>;
  readonly xattrs?: Readonly<Record<string, string>>;
};

describe('publisher/layer/tar-reader', () => {
  describe('reads entries', () => {
    const cases: [what: string, entry: LayerEntry, expected: Expected][] = [
      [
        'file',
        file('a/b', 'content', { mode: 0o4755, uid: 7, gid: 8, mtime: 9 }),
        {
          type: 'file',
          name: 'a/b',
          content: 'content',
          sizeBytes: 7,
          attributes: { mode: 0o4755, uid: 7, gid: 8, mtime: 9 },
        },
      ],
      ['empty file', file('a'), { type: 'file', content: '', sizeBytes: 0 }],
      ['file of whole blocks', file('a', 'x'.repeat(1024)), { content: 'x'.repeat(1024), sizeBytes: 1024 }],
      [
        'directory',
        directory('d/', { mode: 0o1777 }),
        { type: 'directory', name: 'd/', attributes: { mode: 0o1777 } },
      ],
      ['file whose name ends in a slash (v7)', file('d/'), { type: 'directory', name: 'd/' }],
      [
        'symbolic link',
        symlink('l', '../target'),
        { type: 'symlink', linkName: '../target', attributes: { mode: 0o777 } },
      ],
      ['hard link', hardLink('l', './a/b'), { type: 'link', linkName: './a/b', sizeBytes: 0 }],
      [
        'character device',
        device('n', 'character-device', [1, 3]),
        { type: 'character-device', major: 1, minor: 3 },
      ],
      ['block device', device('n', 'block-device', [8, 255]), { type: 'block-device', major: 8, minor: 255 }],
      ['fifo', fifo('p'), { type: 'fifo' }],
      ['name with leading ./', file('./a'), { name: './a' }],
      ['absolute name', file('/a'), { name: '/a' }],
      ['name of 255 bytes (PAX)', file('n'.repeat(255)), { name: 'n'.repeat(255) }],
      ['long target (PAX)', symlink('l', LONG), { linkName: LONG }],
      ['name that is no UTF-8', file(Buffer.from([0x61, 0xff, 0x0a])), { name: 'a\xff\n' }],
      [
        'long name that is no UTF-8 (PAX)',
        file(Buffer.concat([Buffer.alloc(120, 0xe9), Buffer.from('\n')])),
        { name: `${'\xe9'.repeat(120)}\n` },
      ],
      ['name in UTF-8', file('é'), { name: '\xc3\xa9' }],
      [
        'path (PAX) over the name',
        file('a', 'x', { pax: { path: 'other' } }),
        { name: 'other', content: 'x' },
      ],
      ['empty path (PAX)', file('a', '', { pax: { path: '' } }), { name: 'a' }],
      ['empty linkpath (PAX)', symlink('l', 't', { pax: { linkpath: '' } }), { linkName: 't' }],
      ['linkpath (PAX) on a file', file('a', '', { pax: { linkpath: 'x' } }), { linkName: '' }],
      [
        'owners (PAX)',
        file('a', '', { uid: 5_000_000, gid: 2 ** 31 }),
        { attributes: { uid: 5_000_000, gid: 2 ** 31 } },
      ],
      ['empty uid (PAX)', file('a', '', { uid: 5, pax: { uid: '' } }), { attributes: { uid: 5 } }],
      [
        'time with a fraction (PAX)',
        file('a', '', { mtime: 1_700_000_000.25 }),
        { attributes: { mtime: 1_700_000_000.25 } },
      ],
      ['time before 1970 (PAX)', file('a', '', { mtime: -1.5 }), { attributes: { mtime: -1.5 } }],
      ['time with a bare point (PAX)', file('a', '', { pax: { mtime: '7.' } }), { attributes: { mtime: 7 } }],
      [
        'extended attributes',
        file('a', '', { xattrs: { 'user.x': 'y\nz', 'security.capability': Buffer.from([1, 0, 0xff]) } }),
        { xattrs: { 'user.x': 'y\nz', 'security.capability': '\x01\0\xff' } },
      ],
      ['unknown PAX records', file('a', '', { pax: { comment: 'x', atime: '1', 'LIBARCHIVE.x': 'y' } }), {}],
    ];
    for (const [what, entry, expected] of cases) {
      it(what, async () => {
        assertFound(await membersOf(await archiveOf(entry)), [expected]);
      });
    }

    it('several, whatever the chunks in which the archive comes', async () => {
      const archive = await archiveOf(
        file('a', 'x'.repeat(700)),
        directory('d'),
        file(LONG, 'y'),
        file('b', 'z'),
      );
      for (const chunkBytes of [1, 7, 511, 512, 513, 100_000]) {
        assertFound(await membersOf(archive, chunkBytes), [
          { name: 'a', content: 'x'.repeat(700) },
          { name: 'd' },
          { name: LONG, content: 'y' },
          { name: 'b', content: 'z' },
        ]);
      }
    });

    it('of one name, each by itself', async () => {
      assertFound(await membersOf(await archiveOf(file('a', '1'), file('a', '2'), directory('a'))), [
        { content: '1' },
        { content: '2' },
        { type: 'directory' },
      ]);
    });
  });

  describe('reads headers of all kinds', () => {
    const cases: [what: string, archive: Buffer, expected: Expected[]][] = [
      ['nothing', Buffer.alloc(0), []],
      ['an end mark alone', ended(), []],
      [
        'v7: no magic, no type',
        ended(
          header({ name: Buffer.from('old'), type: '\0', sizeBytes: 3 }, (bytes) => bytes.fill(0, 257)),
          block('abc'),
        ),
        [{ name: 'old', type: 'file', content: 'abc' }],
      ],
      ['v7 directory', ended(header({ name: Buffer.from('d/'), type: '\0' })), [{ type: 'directory' }]],
      [
        'contiguous file',
        ended(header({ type: '7', sizeBytes: 3 }), block('abc')),
        [{ type: 'file', content: 'abc' }],
      ],
      [
        'ustar with a prefix',
        ended(header({ name: Buffer.from('name') }, (bytes) => bytes.write('pre/fix', 345))),
        [{ name: 'pre/fix/name' }],
      ],
      [
        'ustar with a full prefix and name',
        ended(header({ name: Buffer.alloc(100, 'n') }, (bytes) => bytes.write('p'.repeat(155), 345))),
        [{ name: `${'p'.repeat(155)}/${'n'.repeat(100)}` }],
      ],
      [
        'GNU long name and long link, in both orders',
        ended(
          withBody('L', Buffer.from(`${LONG}\0`)),
          withBody('K', Buffer.from(`${LONG}/target\0`)),
          header({ type: '2' }),
          withBody('K', Buffer.from('short\0')),
          withBody('L', Buffer.from('no NUL')),
          header({ type: '1' }),
          header({}),
        ),
        [
          { type: 'symlink', name: LONG, linkName: `${LONG}/target` },
          { type: 'link', name: 'no NUL', linkName: 'short' },
          { name: 'name', linkName: '' },
        ],
      ],
      [
        'PAX path over a GNU long name',
        ended(withBody('L', Buffer.from('gnu\0')), pax({ path: 'pax' }), header({})),
        [{ name: 'pax' }],
      ],
      [
        'size in base 256',
        ended(
          header({}, (bytes) => base256(3n, 12).copy(bytes, 124)),
          block('abc'),
        ),
        [{ content: 'abc', sizeBytes: 3 }],
      ],
      [
        'owners in base 256',
        ended(
          header({}, (bytes) => {
            base256(4_000_000_000n, 8).copy(bytes, 108);
            base256(-2n, 8).copy(bytes, 116);
          }),
        ),
        [{ attributes: { uid: 4_000_000_000, gid: -2 } }],
      ],
      [
        'times in base 256',
        ended(
          header({}, (bytes) => base256(-86_400n, 12).copy(bytes, 136)),
          header({}, (bytes) => base256(2n ** 40n, 12).copy(bytes, 136)),
        ),
        [{ attributes: { mtime: -86_400 } }, { attributes: { mtime: 2 ** 40 } }],
      ],
      [
        'numbers with spaces, without NUL, and empty',
        ended(
          header({}, (bytes) => {
            bytes.write('   644 \0', 100, 'latin1');
            bytes.write('00000017', 108, 'latin1');
            bytes.fill(0, 116, 124);
            bytes.fill(0x20, 329, 345);
          }),
        ),
        [{ attributes: { mode: 0o644, uid: 0o17, gid: 0 }, major: 0 }],
      ],
      [
        'numbers behind NULs',
        ended(
          header({}, (bytes) => {
            bytes.write('\0\0\x00755 \0', 100, 'latin1');
            bytes.write('\0 17\0\0\0\0', 108, 'latin1');
          }),
        ),
        [{ attributes: { mode: 0o755, uid: 0o17 } }],
      ],
      [
        'v7 device: whatever stands where others have its numbers',
        ended(header({ type: '3' }, (bytes) => bytes.fill('x', 257))),
        [{ type: 'character-device', major: 0, minor: 0 }],
      ],
      ['an empty GNU long name', ended(withBody('L', Buffer.from('\0')), header({})), [{ name: 'name' }]],
      [
        'file type bits in the mode',
        ended(header({}, (bytes) => bytes.write('0100644\0', 100, 'latin1'))),
        [{ attributes: { mode: 0o644 } }],
      ],
      ['signed checksum', ended(signedChecksum()), [{ name: '\xff\xfe' }]],
      [
        'PAX size over the size of the header',
        ended(pax({ size: '3' }), header({ sizeBytes: 0 }), block('abc')),
        [{ content: 'abc' }],
      ],
      [
        'PAX size of a directory, which has no content',
        ended(pax({ size: '512' }), header({ type: '5' }), header({})),
        [{ type: 'directory', sizeBytes: 0 }, { type: 'file' }],
      ],
      [
        'several PAX headers: the last holds',
        ended(pax({ path: 'first', uid: '1' }), pax({ path: 'second' }), header({ uid: 9 })),
        [{ name: 'second', attributes: { uid: 9 } }],
      ],
      [
        'global PAX headers: for all that follow, until another or a local one says otherwise',
        ended(
          header({ uid: 1 }),
          pax({ uid: '5', gid: '6', comment: 'x' }, 'g'),
          header({ uid: 1 }),
          pax({ uid: '7' }),
          header({ uid: 1 }),
          header({ uid: 1 }),
          pax({ uid: '8' }, 'g'),
          header({ uid: 1 }),
        ),
        [
          { attributes: { uid: 1, gid: 0 } },
          { attributes: { uid: 5, gid: 6 } },
          { attributes: { uid: 7, gid: 6 } },
          { attributes: { uid: 5, gid: 6 } },
          { attributes: { uid: 8, gid: 6 } },
        ],
      ],
      ['PAX header without records', ended(pax({}), header({})), [{ name: 'name' }]],
      ['no end mark', Buffer.concat([header({ sizeBytes: 3 }), block('abc')]), [{ content: 'abc' }]],
      ['half an end mark', Buffer.concat([header({}), Buffer.alloc(512)]), [{ name: 'name' }]],
      [
        'garbage after the end mark',
        Buffer.concat([ended(header({})), Buffer.alloc(700, 'garbage')]),
        [{ name: 'name' }],
      ],
      [
        'a second archive after the end mark',
        Buffer.concat([ended(header({})), ended(header({}))]),
        [{ name: 'name' }],
      ],
    ];
    for (const [what, archive, expected] of cases) {
      it(what, async () => {
        assertFound(await membersOf(archive), expected);
      });
    }
  });

  describe('reads the prefix of a name as Go does', () => {
    const cases: [what: string, magic: string, fields: Readonly<Record<number, string>>, name: string][] = [
      ['ustar', 'ustar\x0000', { 345: 'pre/fix' }, 'pre/fix/name'],
      ['ustar of another version', 'ustar\0\0\0', { 345: 'pre' }, 'pre/name'],
      ['ustar, full', 'ustar\x0000', { 345: 'p'.repeat(155) }, `${'p'.repeat(155)}/name`],
      ['ustar, not ASCII', 'ustar\x0000', { 345: 'p\xe9' }, 'p\xe9/name'],
      ['ustar, digits alone', 'ustar\x0000', { 345: '12345670123' }, '12345670123/name'],
      ['star', 'ustar\x0000', { 345: 'pre', 476: '14477465420 14477465420 ', 508: 'tar\0' }, 'pre/name'],
      [
        'star, full: what follows are times',
        'ustar\x0000',
        { 345: 'p'.repeat(131), 476: '14477465420 14477465420 ', 508: 'tar\0' },
        `${'p'.repeat(131)}/name`,
      ],
      [
        'star of a full ustar',
        'ustar\x0000',
        { 345: 'p'.repeat(131), 508: 'tar' },
        `${'p'.repeat(131)}/name`,
      ],
      ['no magic', '\0\0\0\0\0\0\0\0', { 345: 'pre' }, 'name'],
      ['a magic without its NUL', 'ustar 00', { 345: 'pre' }, 'name'],
      ['GNU without its NUL', 'ustar  0', { 345: 'pre' }, 'name'],
      ['GNU', 'ustar  \0', {}, 'name'],
      ['GNU with a time of access', 'ustar  \0', { 345: '14477465420\0' }, 'name'],
      ['GNU with a time of change', 'ustar  \0', { 357: '14477465420\0' }, 'name'],
      ['GNU with both', 'ustar  \0', { 345: '14477465420\x0014477465420\0' }, 'name'],
      ['GNU with both, ended by spaces', 'ustar  \0', { 345: '14477465420 14477465420 ' }, 'name'],
      ['GNU with blank times', 'ustar  \0', { 345: ' '.repeat(24) }, 'name'],
      [
        'GNU with times in base 256',
        'ustar  \0',
        { 345: `\x80${'\0'.repeat(10)}\x05\xff${'\xff'.repeat(11)}` },
        'name',
      ],
      ['GNU with times beyond 64 bits', 'ustar  \0', { 345: '\x8f'.repeat(24) }, 'name'],
      ['GNU with a prefix (Go before 1.8)', 'ustar  \0', { 345: 'opt/soft' }, 'opt/soft/name'],
      ['GNU with a short one', 'ustar  \0', { 345: 'a' }, 'a/name'],
      ['GNU with a full one', 'ustar  \0', { 345: 'p'.repeat(155) }, `${'p'.repeat(155)}/name`],
      ['GNU with a prefix of digits that end early', 'ustar  \0', { 345: '123/456' }, '123/456/name'],
      ['GNU with digits above 7', 'ustar  \0', { 345: '2018' }, '2018/name'],
      ['GNU with one that no one could tell from a time', 'ustar  \0', { 345: '2017' }, 'name'],
      [
        'GNU with one that begins as a time',
        'ustar  \0',
        { 345: '144774654201/lib' },
        '144774654201/lib/name',
      ],
      ['GNU with one that is not ASCII', 'ustar  \0', { 345: 'op\xe9' }, 'name'],
    ];
    for (const [what, magic, fields, name] of cases) {
      it(what, async () => {
        const archive = header({ uid: 5 }, (bytes) => {
          bytes.write(magic, 257, 'latin1');
          for (const [at, value] of Object.entries(fields)) bytes.write(value, Number(at), 'latin1');
        });
        assertFound(await membersOf(ended(archive)), [{ name, attributes: { uid: 5 } }]);
      });
    }

    it('unless a long name stands before it', async () => {
      const misplaced = header({}, (bytes) => {
        bytes.write('ustar  \0', 257, 'latin1');
        bytes.write('opt/soft', 345);
      });
      assertFound(await membersOf(ended(withBody('L', Buffer.from('long\0')), misplaced)), [
        { name: 'long' },
      ]);
      assertFound(await membersOf(ended(pax({ path: 'pax' }), misplaced)), [{ name: 'pax' }]);
    });
  });

  describe('refuses', () => {
    const whole = Buffer.concat([header({ sizeBytes: 600 }), Buffer.alloc(1024, 'x')]);
    const cases: [what: string, archive: Buffer, code: FailureCode][] = [
      ['what is no tar archive', Buffer.alloc(2048, 'x'), 'layer-corrupt'],
      ['an archive that ends in a header', header({}).subarray(0, 300), 'layer-corrupt'],
      ['an archive that ends in a content', whole.subarray(0, 512 + 599), 'layer-corrupt'],
      ['an archive that ends before a content', whole.subarray(0, 512), 'layer-corrupt'],
      ['an archive that ends in the padding', whole.subarray(0, 512 + 700), 'layer-corrupt'],
      ['an archive that ends before the padding', whole.subarray(0, 512 + 600), 'layer-corrupt'],
      ['an archive that ends in an extended header', pax({ path: 'x' }).subarray(0, 515), 'layer-corrupt'],
      [
        'an archive that ends before an extended header',
        pax({ path: 'x' }).subarray(0, 512),
        'layer-corrupt',
      ],
      ['a wrong checksum', ended(withChecksum(header({}), 1234)), 'layer-corrupt'],
      ['no checksum', ended(blanked(header({}), 148, 8)), 'layer-corrupt'],
      [
        'members after a single block of zeros',
        ended(header({}), Buffer.alloc(512), header({})),
        'layer-corrupt',
      ],
      ['an unknown type', ended(header({ type: 'Z' })), 'layer-refused'],
      ['a volume of several', ended(header({ type: 'M' })), 'layer-refused'],
      ['a huge extended header', ended(header({ type: 'x', sizeBytes: 1024 * 1024 + 1 })), 'layer-refused'],
      ['a huge long name', ended(header({ type: 'L', sizeBytes: 2 ** 32 })), 'layer-refused'],
      [
        'an extended header of negative size',
        ended(header({ type: 'x' }, (bytes) => base256(-1n, 12).copy(bytes, 124))),
        'layer-corrupt',
      ],
      ['a negative size', ended(header({}, (bytes) => base256(-512n, 12).copy(bytes, 124))), 'layer-corrupt'],
      [
        'a size beyond all numbers',
        ended(header({}, (bytes) => base256(2n ** 60n, 12).copy(bytes, 124))),
        'layer-corrupt',
      ],
      [
        'a size that is no octal number',
        ended(header({}, (bytes) => bytes.write('12345678', 124))),
        'layer-corrupt',
      ],
      ['a negative size (PAX)', ended(pax({ size: '-1' }), header({})), 'layer-corrupt'],
      [
        'a size with a fraction (PAX)',
        ended(pax({ size: '2.5' }), header({}), block('abc')),
        'layer-corrupt',
      ],
      ['an owner with a fraction (PAX)', ended(pax({ uid: '2.5' }), header({})), 'layer-corrupt'],
      ['a size beyond all numbers (PAX)', ended(pax({ size: '9'.repeat(30) }), header({})), 'layer-corrupt'],
      ['an owner that is no number (PAX)', ended(pax({ uid: 'root' }), header({})), 'layer-corrupt'],
      ['a time that is no number (PAX)', ended(pax({ mtime: '1e3' }), header({})), 'layer-corrupt'],
      [
        'a PAX record too long for the header',
        ended(withBody('x', Buffer.from('99 path=x\n'))),
        'layer-corrupt',
      ],
    ];
    for (const [what, archive, code] of cases) {
      it(what, async () => {
        await assert.rejects(membersOf(archive, 1000, LIMITS), { code });
      });
    }

    it('nothing of an extended header of just 1 MiB', async () => {
      const records = { comment: 'x'.repeat(1024 * 1024 - '1048576 comment=\n'.length) };
      assertFound(await membersOf(ended(pax(records), header({})), 1000, LIMITS), [{ name: 'name' }]);
    });
  });

  it('gives the content in pieces, and passes over what nobody reads', async () => {
    const archive = await archiveOf(file('a', 'x'.repeat(5000)), file('b', 'y'.repeat(3000)), file('c', 'z'));
    const reader = new TarReader(chunksOf(archive, 1000));
    await reader.next();
    await reader.next();
    for await (const piece of reader.content()) {
      assert.match(piece.toString(), /^y+$/);
      break;
    }
    assert.equal((await reader.next())?.name, 'c');
    assert.equal(await reader.next(), undefined);
  });
});

/** Compares the members with `expected`, as far as that goes. */
function assertFound(found: readonly Found[], expected: readonly Expected[]): void {
  assert.equal(found.length, expected.length);
  for (const [index, member] of found.entries()) {
    const { attributes, xattrs, ...wanted } = expected[index] ?? {};
    assert.deepEqual({ ...member, ...wanted }, member);
    assert.deepEqual({ ...member.attributes, ...attributes }, member.attributes);
    if (xattrs !== undefined) assert.deepEqual(Object.fromEntries(member.xattrs), xattrs);
  }
}

/** Content of up to one block, padded. */
function block(content: string): Buffer {
  const bytes = Buffer.alloc(512);
  bytes.write(content, 'latin1');
  return bytes;
}

/** A header summed as if bytes had signs, as some old writers did. */
function signedChecksum(): Buffer {
  const bytes = header({ name: Buffer.from([0xff, 0xfe]) });
  const sum = bytes.reduce((total, byte, at) => {
    if (at >= 148 && at < 156) return total + 0x20;
    return total + (byte > 127 ? byte - 256 : byte);
  }, 0);
  return withChecksum(bytes, sum);
}

function blanked(bytes: Buffer, start: number, length: number): Buffer {
  return Buffer.from(bytes).fill(0x20, start, start + length);
}
