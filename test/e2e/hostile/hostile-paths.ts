import { headerBlock } from '../../support/images/tar-header.ts';
import { directory, file, hardLink, symlink, type LayerEntry } from '../../support/images/layer-entry.ts';
import type { HostileCase, HostileCases } from './hostile-case.ts';

const UP = '../'.repeat(12);

function refused(what: string, ...entries: LayerEntry[]): HostileCase {
  return { what, layers: [entries], code: 'layer-refused' };
}

/** A member whose name in the header goes on after a NUL. */
function cutName(name: string): LayerEntry {
  const fields = { mode: 0o644, uid: 0, gid: 0, sizeBytes: 0, mtime: 0, major: 0, minor: 0 };
  const bytes = headerBlock({ name: Buffer.from(name), type: '0', linkName: Buffer.alloc(0), ...fields });
  return { type: 'raw', bytes };
}

/** Names that lead out of the image, or that no file system can hold. */
export const pathCases: HostileCases = ({ path, inImage }) => [
  refused('a file above the image', file('../escape', 'x')),
  refused('a file far above it', file(`${UP}etc/cron.d/escape`, 'x')),
  refused('a file above it by way of a folder', file('a/../../escape', 'x')),
  refused('a folder above it', directory('..', { mode: 0o777 })),
  refused('a folder above it, with a slash', directory('../', { mode: 0o777 })),
  refused('".." that stays in it', file('a/b/../c', 'x')),
  refused('".." at the end', directory('a/..', { mode: 0o777 })),
  refused('".." in an extended header', file('good', 'x', { pax: { path: `${UP}${inImage}/file` } })),
  refused('".." in the target of a hard link', file('a', 'x'), hardLink('h', `${UP}${inImage}/file`)),
  refused('a NUL in a name', file('good', 'x', { pax: { path: 'good\0/../../escape' } })),
  refused('a NUL in the target of a link', symlink('s', 'x', { pax: { linkpath: `${path}\0x` } })),
  refused('a NUL in the target of a hard link', file('a'), hardLink('h', 'a', { pax: { linkpath: 'a\0b' } })),
  refused('a name of 256 bytes', file('n'.repeat(256), 'x')),
  refused('a path of 5,000 bytes', file('nnnn/'.repeat(1000), 'x')),
  refused('a path of 600 components', file(`${'d/'.repeat(600)}f`, 'x')),
  refused('a target of 4,096 bytes', symlink('s', 't'.repeat(4096))),
  refused('a link to nothing', symlink('s', '')),
  refused('a file that is the root', file('./.', 'x')),
  refused('a link that is the root', symlink('./', path)),
  refused('a hard link that is the root', file('a', 'x'), hardLink('.', 'a')),
  {
    what: 'a name that goes on after a NUL',
    layers: [[cutName('good\0/../../escape'), file('other', 'x')]],
    has: ['good = ', 'other = x'],
  },
  {
    what: 'an absolute name',
    layers: [[file('/etc/passwd', 'image'), file(`${path}/file`, 'image')]],
    has: ['etc/passwd = image', `${inImage}/file = image`],
  },
  {
    what: 'doubled slashes and dots',
    layers: [[file('//etc///cron.d/./escape', 'image'), directory('./././d//')]],
    has: ['etc/cron.d/escape = image', 'd/'],
  },
  {
    what: 'an absolute name of a folder, open to all',
    layers: [[directory(`${path}/folder`, { mode: 0o777, uid: 1234 })]],
    has: [`${inImage}/folder/ 777`],
  },
  {
    what: 'newlines, control characters and what shells and terminals act on',
    layers: [
      [
        file('new\nline', '1'),
        file('\x1b[2J\x07', '2'),
        file(`$(touch ${inImage.replaceAll('/', '_')})`, '3'),
        file('`id`;\'"\\ -rf *', '4'),
        file('-rf', '5'),
        file('a\\..\\..\\b', '6'),
        file('c:d%00%2e%2e', '7'),
      ],
    ],
    has: [
      'new\nline = 1',
      '\x1b[2J\x07 = 2',
      '`id`;\'"\\ -rf * = 4',
      '-rf = 5',
      'a\\..\\..\\b = 6',
      'c:d%00%2e%2e = 7',
    ],
  },
  {
    what: 'names that look alike',
    layers: [
      [
        file('Name', '1'),
        file('name', '2'),
        file('NAME', '3'),
        file(Buffer.from('caf\xe9', 'latin1'), '4'),
        file('caf\u00e9', '5'),
        file('cafe\u0301', '6'),
        file('\u043d\u0430me', '7'),
        file('name.', '8'),
        file('name ', '9'),
      ],
    ],
    has: [
      'Name = 1',
      'name = 2',
      'NAME = 3',
      'caf\xe9 = 4',
      'caf\xc3\xa9 = 5',
      'cafe\xcc\x81 = 6',
      'name. = 8',
      'name  = 9',
    ],
  },
];
