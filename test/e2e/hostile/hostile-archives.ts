import { repeated, zstdFrame } from '../../support/images/zstd.ts';
import { headerBlock, padding, paxRecords } from '../../support/images/tar-header.ts';
import { oldSparse, sparseInPairs, sparseInRecords } from '../../support/images/sparse.ts';
import { device, directory, file, symlink, type LayerEntry } from '../../support/images/layer-entry.ts';
import type { HostileCases } from './hostile-case.ts';

const FIELDS = { mode: 0o644, uid: 0, gid: 0, sizeBytes: 0, mtime: 0, major: 0, minor: 0 };

function rawEntry(fields: Partial<Parameters<typeof headerBlock>[0]>, ...body: Buffer[]): LayerEntry {
  const header = headerBlock({
    name: Buffer.from('raw'),
    type: '0',
    linkName: Buffer.alloc(0),
    ...FIELDS,
    ...fields,
  });
  return { type: 'raw', bytes: Buffer.concat([header, ...body]) };
}

/** An extended header that claims `sizeBytes`, and brings none. */
function headerOf(sizeBytes: number): LayerEntry {
  return rawEntry({ type: 'x', sizeBytes }, Buffer.alloc(2048));
}

function globalHeader(records: readonly (readonly [string, string])[]): LayerEntry {
  const body = paxRecords(new Map(records.map(([key, value]) => [key, Buffer.from(value)])));
  return rawEntry({ type: 'g', sizeBytes: body.length }, body, padding(body.length));
}

/** So many attributes, with values of so many bytes. */
function attributes(count: number, bytes: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [`user.${at}`, 'x'.repeat(bytes)]));
}

const SPARSE_PARTS = [
  [0, Buffer.alloc(512, 'a')],
  [256, Buffer.alloc(512, 'b')],
] as const;

/** 300 MB of zeros in some kilobytes: a frame of blocks that say how often a byte comes. */
export function bomb(): Buffer {
  const blocks = Array.from({ length: 2_400 }, () => repeated(128 * 1024));
  return zstdFrame(blocks, { window: (23 - 10) << 3 });
}

/** Headers that lie, and members that are meant to hurt whoever writes them. */
export const archiveCases: HostileCases = ({ path, inImage }) => [
  {
    what: 'a size that is not there',
    layers: [[rawEntry({ sizeBytes: 0o7777777777 })]],
    code: 'layer-corrupt',
  },
  {
    what: 'a size of exabytes',
    layers: [[file('f', 'x', { pax: { size: '9007199254740991' } })]],
    code: 'layer-refused',
  },
  { what: 'a negative size', layers: [[file('f', 'x', { pax: { size: '-1' } })]], code: 'layer-corrupt' },
  { what: 'a header of a gigabyte', layers: [[headerOf(2 ** 30)]], code: 'layer-refused' },
  {
    what: 'global headers that never end',
    layers: [
      Array.from({ length: 40 }, (_, index) =>
        globalHeader([[`SCHILY.xattr.user.${index}`, 'c'.repeat(60_000)]]),
      ),
    ],
    code: 'layer-refused',
  },
  {
    what: 'a global path',
    layers: [[globalHeader([['path', `../../${inImage}/file`]]), file('f', 'x')]],
    code: 'layer-refused',
  },
  {
    what: 'parts of a sparse file that overlap',
    layers: [[{ type: 'raw', bytes: sparseInPairs('f', SPARSE_PARTS, 4096) }]],
    code: 'layer-corrupt',
  },
  {
    what: 'the same in the old form',
    layers: [[{ type: 'raw', bytes: oldSparse('f', SPARSE_PARTS, 4096) }]],
    code: 'layer-corrupt',
  },
  {
    what: 'a sparse file of a petabyte',
    layers: [[{ type: 'raw', bytes: sparseInRecords('f', [[0, Buffer.from('x')]], 2 ** 50) }]],
    code: 'layer-refused',
  },
  {
    what: 'a sparse file that is named above the image',
    layers: [[{ type: 'raw', bytes: sparseInRecords('../../f', [[0, Buffer.from('x')]], 1024) }]],
    code: 'layer-refused',
  },
  { what: 'a member of no type', layers: [[rawEntry({ type: 'Z' })]], code: 'layer-refused' },
  {
    what: 'an owner that nobody can be',
    layers: [[file('f', '', { uid: 2 ** 32 - 1 })]],
    code: 'layer-refused',
  },
  { what: 'a negative owner', layers: [[file('f', '', { pax: { gid: '-2' } })]], code: 'layer-refused' },
  {
    what: 'times out of this world',
    layers: [
      [
        file('late', 'x', { pax: { mtime: '9007199254740991' } }),
        file('early', 'x', { pax: { mtime: '-9007199254740991' } }),
        directory('d', { pax: { mtime: '99999999999999.999999999999' } }),
        symlink('s', 'late', { pax: { mtime: '-99999999999999' } }),
      ],
    ],
    has: ['late = x', 'early = x', 'd/', 's -> late'],
    warning: /the times of 4 paths are not kept/,
  },
  {
    what: 'bits that are no permissions',
    layers: [[file('f', 'x', { mode: 0o177777 }), directory('d', { mode: 0o177777 })]],
    has: ['f = x', 'd/ 7777'],
  },
  {
    what: 'thousands of devices',
    layers: [
      Array.from({ length: 3_000 }, (_, index) =>
        device(
          `dev/n${index}`,
          index % 2 === 0 ? 'character-device' : 'block-device',
          [1 + (index % 4095), index],
          {
            mode: 0o666,
          },
        ),
      ),
    ],
    has: ['dev/n1 b 2:1', 'dev/n2 c 3:2'],
  },
  {
    what: 'a device of a number that is none',
    layers: [[device('n', 'block-device', [2 ** 12, 0])]],
    code: 'layer-refused',
  },
  {
    what: 'devices that are deletions for overlay file systems',
    layers: [[file('a', 'x')], [device('a', 'character-device', [0, 0], { mode: 0o666 })]],
    has: ['a c 0:0'],
    warning: /overlay mounts of \.layers \(podman, containerd\) show 1 path other/,
  },
  {
    what: 'attributes that overlay file systems act on',
    layers: [
      [
        directory('d', { xattrs: { 'trusted.overlay.redirect': path, 'user.overlay.opaque': 'y' } }),
        file('f', 'x', { xattrs: { 'trusted.overlay.metacopy': '', 'user.overlay.whiteout': '' } }),
      ],
    ],
    has: ['d/', 'f = x'],
    warning: /extended attributes of 2 paths are not published/,
  },
  {
    what: 'attributes with names that are none',
    layers: [[file('f', 'x', { xattrs: { 'system.posix_acl_access': 'x', 'user.': 'x', '../x': 'x' } })]],
    has: ['f = x'],
    warning: /are not published/,
  },
  {
    what: 'attributes of which a file system keeps few',
    layers: [[file('f', 'x', { xattrs: attributes(60, 1_000) })]],
    has: ['f = x'],
    warning: /extended attributes of 1 path are lost|^$/,
  },
  {
    what: 'attributes of which there are too many',
    layers: [[file('f', 'x', { xattrs: attributes(101, 1) })]],
    code: 'layer-refused',
  },
  {
    what: 'attributes that are too large',
    layers: [[file('f', 'x', { xattrs: attributes(60, 16_000) })]],
    code: 'layer-refused',
  },
  {
    what: 'a file below a file',
    layers: [[file('f', 'x'), file('f/g', 'y')]],
    has: ['f/', 'f/g = y'],
  },
  {
    what: 'a file below a file of a lower layer',
    layers: [[file('f', 'x')], [file('f/g', 'y')]],
    has: ['f/', 'f/g = y'],
  },
];
