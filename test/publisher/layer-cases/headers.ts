import { directory, file, hardLink, symlink, device, fifo } from '../../support/images/layer-entry.ts';
import type { LayerEntry } from '../../support/images/layer-entry.ts';
import { sparseInContent, sparseInPairs, sparseInRecords, oldSparse } from '../../support/images/sparse.ts';
import type { SparseParts } from '../../support/images/sparse.ts';
import { base256, header, pax, withBody } from '../layer/archive.ts';
import type { Header } from '../../support/images/tar-header.ts';
import type { LayerCase } from './layer-case.ts';

const LONG_NAME = 'n'.repeat(255);
const LONG_PATH = `${'d'.repeat(200)}/${'e'.repeat(200)}/${'f'.repeat(200)}`;
const MTIME = 1_700_000_000;

/** Headers, and what follows them, as they are. */
function raw(...parts: Buffer[]): LayerEntry {
  return { type: 'raw', bytes: Buffer.concat(parts) };
}

/** A header of a name, at the usual time. */
function named(
  name: string | Buffer,
  fields: Partial<Header> = {},
  change?: (block: Buffer) => void,
): Buffer {
  return header({ name: Buffer.from(name), mtime: MTIME, ...fields }, change);
}

function content(text: string): Buffer {
  const bytes = Buffer.alloc(Math.ceil(text.length / 512) * 512);
  bytes.write(text, 'latin1');
  return bytes;
}

function one(
  what: string,
  entries: LayerEntry[],
  expected: string[],
  differs?: LayerCase['differs'],
): LayerCase {
  return { what, layers: [entries], expected, ...(differs !== undefined && { differs }) };
}

const V7 = (block: Buffer): void => {
  block.fill(0, 257, 512);
};
const GNU = (block: Buffer): void => {
  block.write('ustar  \0', 257, 'latin1');
};

export const KINDS_OF_HEADERS: readonly LayerCase[] = [
  one('a v7 file', [raw(named('f', { type: '\0', sizeBytes: 1 }, V7), content('x'))], ['f = x']),
  one('a v7 directory, by its name', [raw(named('d/', { type: '\0', mode: 0o755 }, V7))], ['d/']),
  one(
    'a v7 symbolic link',
    [raw(named('s', { type: '2', mode: 0o777, linkName: Buffer.from('t') }, V7))],
    ['s -> t'],
  ),
  one('a ustar file', [file('f', 'x')], ['f = x']),
  one('a file whose name ends in a slash', [raw(named('d/', { type: '0', mode: 0o755 }))], ['d/'], {
    umoci: 'it makes a file of it',
  }),
  one('a contiguous file', [raw(named('f', { type: '7', sizeBytes: 1 }), content('x'))], ['f = x'], {
    umoci: 'it does not know the type',
  }),
  one(
    'a ustar prefix',
    [
      raw(
        named('f', { sizeBytes: 1 }, (block) => block.write('a/b', 345)),
        content('x'),
      ),
    ],
    ['a/ @0', 'a/b/ @0', 'a/b/f = x'],
  ),
  one(
    'a ustar name of 256 bytes, in prefix and name',
    [
      raw(
        header({ name: Buffer.alloc(100, 'n'), mtime: MTIME }, (block) => block.write('p'.repeat(155), 345)),
      ),
    ],
    [`${'p'.repeat(155)}/ @0`, `${'p'.repeat(155)}/${'n'.repeat(100)} = `],
  ),
  one('a GNU header', [raw(named('f', { sizeBytes: 1 }, GNU), content('x'))], ['f = x']),
  one(
    'a GNU header with times where ustar has its prefix',
    [
      raw(
        named('f', {}, (block) => {
          GNU(block);
          block.write('14477465420\0', 345, 'latin1');
          block.write('14477465420\0', 357, 'latin1');
        }),
      ),
    ],
    ['f = '],
  ),
  one(
    'a GNU header with a prefix, as Docker before 17.06 wrote it',
    [
      raw(
        named('f', { sizeBytes: 1 }, (block) => {
          GNU(block);
          base256(3_000_000n, 8).copy(block, 108);
          block.write('opt/soft/directory', 345, 'latin1');
        }),
        content('x'),
      ),
    ],
    ['opt/ @0', 'opt/soft/ @0', 'opt/soft/directory/ @0', 'opt/soft/directory/f = x 3000000:0'],
    { tar: 'it knows no prefix there' },
  ),
  one(
    'a star header with a full prefix, which times follow',
    [
      raw(
        named('f', { sizeBytes: 1 }, (block) => {
          block.write(`${'p'.repeat(131)}14477465420 14477465420 `, 345, 'latin1');
          block.write('tar\0', 508, 'latin1');
        }),
        content('x'),
      ),
    ],
    [`${'p'.repeat(131)}/ @0`, `${'p'.repeat(131)}/f = x`],
    { tar: 'it takes a full prefix for ustar' },
  ),
  one(
    'a prefix behind a magic that nobody defined',
    [
      raw(
        named('f', { sizeBytes: 1 }, (block) => {
          block.write('ustar 00', 257, 'latin1');
          block.write('pre', 345, 'latin1');
        }),
        content('x'),
      ),
    ],
    ['f = x'],
  ),
  one(
    'a v7 header with other bytes where later ones have fields',
    [
      raw(
        named('f', { type: '\0', sizeBytes: 1 }, (block) => block.fill('x', 257)),
        content('x'),
      ),
    ],
    ['f = x'],
  ),
  one(
    'numbers behind NULs',
    [
      raw(
        named('f', { sizeBytes: 1 }, (block) => block.write('\0\x00640\0\0\0', 100, 'latin1')),
        content('x'),
      ),
    ],
    ['f = x 640'],
    { tar: 'it passes over one NUL alone' },
  ),
  one(
    'a GNU long name',
    [raw(withBody('L', Buffer.from(`${LONG_NAME}\0`)), named('short', {}, GNU))],
    [`${LONG_NAME} = `],
  ),
  one(
    'a GNU long target',
    [
      raw(
        withBody('K', Buffer.from(`${LONG_PATH}\0`)),
        named('s', { type: '2', mode: 0o777, linkName: Buffer.from('x') }, GNU),
      ),
    ],
    [`s -> ${LONG_PATH.length} bytes …ffffffffff`],
  ),
  one(
    'both, for one hard link',
    [
      file(LONG_PATH, 'x'),
      raw(
        withBody('K', Buffer.from(`${LONG_PATH}\0`)),
        withBody('L', Buffer.from(`${LONG_NAME}\0`)),
        named('h', { type: '1' }, GNU),
      ),
    ],
    [
      `${'d'.repeat(200)}/ @0`,
      `${'d'.repeat(200)}/${'e'.repeat(200)}/ @0`,
      `${LONG_PATH} = x`,
      `${LONG_NAME} == ${LONG_PATH}`,
    ],
  ),
  one('a PAX name of 255 bytes', [file(LONG_NAME, 'x')], [`${LONG_NAME} = x`]),
  one(
    'a PAX path of over 600 bytes',
    [file(LONG_PATH, 'x')],
    [`${'d'.repeat(200)}/ @0`, `${'d'.repeat(200)}/${'e'.repeat(200)}/ @0`, `${LONG_PATH} = x`],
  ),
  one(
    'a path of 3,500 bytes',
    [file(`${`${'p'.repeat(249)}/`.repeat(14)}f`.slice(-3500), 'x')],
    deepLines(`${`${'p'.repeat(249)}/`.repeat(14)}f`.slice(-3500), ' = x'),
  ),
  one('a PAX target of 4,000 bytes', [symlink('s', 't'.repeat(4000))], ['s -> 4000 bytes …tttttttttt']),
  one('a PAX path over what the header says', [file('other', 'x', { pax: { path: 'f' } })], ['f = x']),
  one('an empty PAX path, which says nothing', [file('f', 'x', { pax: { path: '' } })], ['f = x'], {
    tar: 'it takes the empty name',
  }),
  one(
    'a PAX size over what the header says',
    [raw(pax({ size: '3' }), named('f', { sizeBytes: 0 }), content('abc'))],
    ['f = abc'],
  ),
  one(
    'PAX records that mean nothing here',
    [
      file('f', 'x', {
        pax: { comment: 'c', atime: '1.5', ctime: '2', 'LIBARCHIVE.creationtime': '3', uname: 'nobody' },
      }),
    ],
    ['f = x'],
  ),
  one(
    'a PAX header that is replaced by a second one',
    [raw(pax({ path: 'first' }), pax({ path: 'second' }), named('f'))],
    ['second = '],
  ),
  one(
    'a global PAX header with a comment, as git archive writes it',
    [raw(pax({ comment: 'a'.repeat(40) }, 'g')), file('f', 'x')],
    ['f = x'],
    { umoci: 'it does not know the type' },
  ),
  one(
    'global PAX headers, until another or a local one says otherwise',
    [
      raw(pax({ uid: '5', mtime: '9' }, 'g')),
      file('a', '1', { uid: 1 }),
      file('b', '2', { pax: { uid: '6' } }),
      raw(pax({ uid: '7' }, 'g')),
      file('c', '3'),
    ],
    ['a = 1 5:0 @9', 'b = 2 6:0 @9', 'c = 3 7:0 @9'],
    {
      umoci: 'it does not know the type',
      tar: 'each global header is all that holds from there on, where POSIX wants each of its records to hold',
    },
  ),
  one('a signed checksum', [raw(signed(named(Buffer.from([0x66, 0xff]))))], ['f\xff = ']),
  one('no end mark but the end', [file('a', '1'), file('b', '2')], ['a = 1', 'b = 2']),
];

export const NAMES: readonly LayerCase[] = [
  one('a name that is no UTF-8', [file(Buffer.from([0x61, 0xe9, 0xff]), 'x')], ['a\xe9\xff = x']),
  one(
    'a long name that is no UTF-8',
    [file(Buffer.concat([Buffer.alloc(150, 0xe9), Buffer.from('/'), Buffer.alloc(150, 0xff)]), 'x')],
    [`${'\xe9'.repeat(150)}/ @0`, `${'\xe9'.repeat(150)}/${'\xff'.repeat(150)} = x`],
  ),
  one(
    'a GNU long name that is no UTF-8',
    [raw(withBody('L', Buffer.concat([Buffer.alloc(120, 0x80), Buffer.alloc(1)])), named('f', {}, GNU))],
    [`${'\x80'.repeat(120)} = `],
  ),
  one('a target that is no UTF-8', [symlink('s', Buffer.from([0xff, 0x2f, 0xfe]))], ['s -> \xff/\xfe']),
  one(
    'a long target that is no UTF-8',
    [symlink('s', Buffer.alloc(300, 0xfe))],
    ['s -> 300 bytes …\xfe\xfe\xfe\xfe\xfe\xfe\xfe\xfe\xfe\xfe'],
  ),
  one(
    'UTF-8 in two normal forms, kept apart',
    [file('\u00e9', '1'), file('e\u0301', '2')],
    ['e\xcc\x81 = 2', '\xc3\xa9 = 1'],
  ),
  one('names that differ in case', [file('Readme', '1'), file('README', '2')], ['README = 2', 'Readme = 1']),
  one('a line end in a name', [file('a\nb', 'x')], ['a\nb = x']),
  one('spaces, quotes, backslashes and a bell', [file(' "\\\'\x07 ', 'x')], [' "\\\'\x07  = x']),
  one('a name that begins with a dash', [file('-rf', 'x')], ['-rf = x']),
  one('names with dots that lead nowhere', [file('..a/...', 'x')], ['..a/ @0', '..a/... = x']),
  one('./ before names', [directory('./'), directory('./d'), file('./d/f', 'x')], ['d/', 'd/f = x']),
  one('slashes before and between', [file('//d///f', 'x')], ['d/ @0', 'd/f = x']),
  one('. within a path', [file('d/./f', 'x')], ['d/ @0', 'd/f = x']),
  one(
    'a target that leads out of the image, as it is',
    [symlink('s', '../../../etc/passwd')],
    ['s -> ../../../etc/passwd'],
  ),
  one('a target with dots and slashes, as it is', [symlink('s', './/a/../b/')], ['s -> .//a/../b/']),
  one(
    'names of 255 bytes at each level',
    [file(`${LONG_NAME}/${LONG_NAME}`, 'x')],
    [`${LONG_NAME}/ @0`, `${LONG_NAME}/${LONG_NAME} = x`],
  ),
];

/** As GNU tar finds them: whole blocks, and an empty part at the end where there is a hole. */
const HOLES: SparseParts = [
  [4096, Buffer.alloc(512, 'a')],
  [102_400, Buffer.alloc(5120, 'b')],
  [1_024_000, Buffer.from('the last')],
];
const MANY_HOLES: SparseParts = Array.from({ length: 60 }, (_, index) => [
  index * 4096,
  Buffer.alloc(512, `${index % 10}`),
]);

const OLD = 'the old GNU format';

export const SPARSE: readonly LayerCase[] = [
  [OLD, oldSparse] as const,
  ['PAX 0.0', sparseInPairs] as const,
  ['PAX 0.1', sparseInRecords] as const,
  ['PAX 1.0', sparseInContent] as const,
].flatMap(([format, write]) => sparseCases(format, write));

type Writer = (name: string, parts: SparseParts, sizeBytes: number) => Buffer;

function sparseCases(format: string, write: Writer): LayerCase[] {
  const cases: LayerCase[] = [
    one(
      `${format}: holes before and between`,
      [raw(write('f', HOLES, 1_024_008)), file('g', 'x')],
      ['f = 1024008 bytes …\0\0the last', 'g = x'],
    ),
    one(
      `${format}: a hole at the end`,
      [raw(write('f', [...HOLES.slice(0, 2), [1_228_800, Buffer.alloc(0)]], 1_228_800))],
      [`f = 1228800 bytes …${'\0'.repeat(10)}`],
    ),
    one(
      `${format}: nothing but a hole`,
      [raw(write('f', [[1_024_000, Buffer.alloc(0)]], 1_024_000))],
      [`f = 1024000 bytes …${'\0'.repeat(10)}`],
    ),
    one(
      `${format}: many parts`,
      [raw(write('f', MANY_HOLES, 59 * 4096 + 512))],
      [`f = ${59 * 4096 + 512} bytes …9999999999`],
    ),
    {
      what: `${format}: replaced in the next layer, linked to before`,
      layers: [[raw(write('f', HOLES, 1_024_008)), hardLink('g', 'f')], [file('f', 'new')]],
      expected: ['f = new', 'g = 1024008 bytes …\0\0the last'],
    },
  ];
  if (format !== OLD) return cases;
  return cases.map((one) => ({ ...one, differs: { umoci: 'it does not know the type' } }));
}

export const ATTRIBUTES: readonly LayerCase[] = [
  one(
    'set-uid, set-gid and sticky',
    [file('u', '1', { mode: 0o4755 }), file('g', '2', { mode: 0o2755 }), directory('t', { mode: 0o1777 })],
    ['g = 2 2755', 't/ 1777', 'u = 1 4755'],
  ),
  one('set-uid of another owner', [file('u', '1', { mode: 0o6711, uid: 7, gid: 8 })], ['u = 1 6711 7:8']),
  one('mode 000', [file('f', 'x', { mode: 0 }), directory('d', { mode: 0 })], ['d/ 000', 'f = x 000']),
  one(
    'bits of the file type in the mode',
    [raw(named('f', {}, (block) => block.write('0104755\0', 100, 'latin1')))],
    ['f =  4755'],
  ),
  one('owners above 65,535', [file('f', 'x', { uid: 100_000, gid: 1_000_000 })], ['f = x 100000:1000000']),
  one(
    'owners that only PAX records hold',
    [file('f', 'x', { uid: 3_000_000, gid: 4_000_000_000 })],
    ['f = x 3000000:4000000000'],
  ),
  one(
    'owners in base 256',
    [
      raw(
        named('f', {}, (block) => {
          GNU(block);
          base256(2_000_000_000n, 8).copy(block, 108);
          base256(70_000n, 8).copy(block, 116);
        }),
      ),
    ],
    ['f =  2000000000:70000'],
  ),
  one(
    'a size in base 256',
    [
      raw(
        named('f', {}, (block) => {
          GNU(block);
          base256(3n, 12).copy(block, 124);
        }),
        content('abc'),
      ),
    ],
    ['f = abc'],
  ),
  one(
    'numbers with spaces, and without an end',
    [
      raw(
        named('f', {}, (block) => {
          block.write('   640 \0', 100, 'latin1');
          block.write('00000017', 108, 'latin1');
          block.fill(0, 116, 124);
        }),
      ),
    ],
    ['f =  640 15:0'],
  ),
  one('a time of zero', [file('f', 'x', { mtime: 0 })], ['f = x @0']),
  one('a time before 1970', [file('f', 'x', { mtime: -86_400 })], ['f = x @-86400']),
  one(
    'a time before 1970 in base 256',
    [
      raw(
        named('f', {}, (block) => {
          GNU(block);
          base256(-86_400n, 12).copy(block, 136);
        }),
      ),
    ],
    ['f =  @-86400'],
  ),
  one('a time with a fraction', [file('f', 'x', { mtime: 1_600_000_000.25 })], ['f = x @1600000000.25']),
  one('a time before 1970 with a fraction', [file('f', 'x', { mtime: -1.5 })], ['f = x @-1.5'], {
    umoci: 'it rounds',
  }),
  one('a time after 2038', [file('f', 'x', { mtime: 2 ** 32 + 5 })], [`f = x @${2 ** 32 + 5}`]),
  one(
    'times of links and directories',
    [symlink('s', 't', { mtime: 5 }), directory('d', { mtime: 6 }), file('d/f', 'x', { mtime: 7 })],
    ['d/ @6', 'd/f = x @7', 's -> t @5'],
  ),
  one('owners of links', [symlink('s', 't', { uid: 9, gid: 10 })], ['s -> t 9:10']),
  one(
    'devices and a fifo',
    [
      device('null', 'character-device', [1, 3], { mode: 0o666 }),
      device('disk', 'block-device', [8, 255], { mode: 0o660, gid: 6 }),
      device('large', 'character-device', [4095, 1_048_575]),
      fifo('p', { mode: 0o600 }),
    ],
    ['disk b 8:255 660 0:6', 'large c 4095:1048575', 'null c 1:3 666', 'p p 600'],
  ),
  one('device numbers of a file, which mean nothing', [raw(named('f', { major: 5, minor: 6 }))], ['f = ']),
  one(
    'extended attributes',
    [
      file('f', 'x', { xattrs: { 'user.a': 'b', 'user.empty-not': ' ' } }),
      directory('d', { xattrs: { 'user.d': 'e' } }),
    ],
    ['d/ {"user.d":"e"}', 'f = x {"user.a":"b","user.empty-not":" "}'],
  ),
  one(
    'extended attributes with NUL, line ends and bytes that are no text',
    [file('f', 'x', { xattrs: { 'user.a': Buffer.from([0, 10, 255, 61, 0]) } })],
    ['f = x {"user.a":"\\u0000\\n\xff=\\u0000"}'],
  ),
  one(
    "libarchive's form of extended attributes",
    [file('f', 'x', { pax: { 'LIBARCHIVE.xattr.user.a%20b': 'AAr/' } })],
    ['f = x {"user.a b":"\\u0000\\n\xff"}'],
    { tar: 'it does not know them', umoci: 'Go does not know them' },
  ),
  one(
    'a file capability',
    [file('f', 'x', { mode: 0o755, xattrs: { 'security.capability': CAPABILITY() } })],
    [
      'f = x 755 {"security.capability":"\\u0001\\u0000\\u0000\\u0002\\u0000 \\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000"}',
    ],
  ),
  {
    what: 'attributes of the topmost layer that says any',
    layers: [
      [directory('d', { mode: 0o700, uid: 1, mtime: 1, xattrs: { 'user.a': '1' } }), file('d/f', 'x')],
      [directory('d', { mode: 0o711, uid: 2, mtime: 2 })],
      [file('d/g', 'y')],
    ],
    expected: ['d/ 711 2:0 @2', 'd/f = x', 'd/g = y'],
    differs: { umoci: 'what is written into a directory changes its time' },
  },
];

/** cap_net_raw, permitted and effective (linux/capability.h, revision 2). */
function CAPABILITY(): Buffer {
  return Buffer.concat([Buffer.from([1, 0, 0, 2, 0, 32, 0, 0]), Buffer.alloc(12)]);
}

function deepLines(path: string, last: string): string[] {
  const components = path.split('/');
  return components.map((_, index) => {
    const at = components.slice(0, index + 1).join('/');
    return index === components.length - 1 ? `${at}${last}` : `${at}/ @0`;
  });
}

/** The checksum as old writers made it, with signed bytes. */
function signed(block: Buffer): Buffer {
  const sum = block.reduce((total, byte, at) => {
    if (at >= 148 && at < 156) return total + 0x20;
    return total + (byte > 127 ? byte - 256 : byte);
  }, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}
