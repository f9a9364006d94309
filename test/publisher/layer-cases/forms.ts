import { gzipSync } from 'node:zlib';
import {
  chunkedFooter,
  crfsFooter,
  estargz,
  landmark,
  skippableFrame,
  stargzIndex,
} from '../../support/images/lazy-layers.ts';
import { directory, file, hardLink, opaque, symlink, whiteout } from '../../support/images/layer-entry.ts';
import { storedFrame } from '../../support/images/zstd.ts';
import { header } from '../layer/archive.ts';
import type { LayerCase } from './layer-case.ts';

const ENTRIES = [directory('d'), file('d/f', 'x'.repeat(3000)), symlink('s', 'd/f'), file('g', 'y')];
const LINES = ['d/', 'd/f = 3000 bytes …xxxxxxxxxx', 'g = y', 's -> d/f'];
const NO_ZSTD = { tar: 'it has no zstd of its own', umoci: 'it takes no zstd' };

/** Cuts `archive` in four, at places that are no borders of members. */
function inParts(archive: Buffer, make: (part: Buffer) => Buffer): Buffer[] {
  return [0, 700, 1400, 2100].map((start, index) =>
    make(archive.subarray(start, index === 3 ? archive.length : start + 700)),
  );
}

export const COMPRESSION: readonly LayerCase[] = [
  { what: 'plain tar', layers: [ENTRIES], compress: (archive) => archive, expected: LINES },
  { what: 'gzip', layers: [ENTRIES], expected: LINES },
  {
    what: 'gzip that stores',
    layers: [ENTRIES],
    compress: (archive) => gzipSync(archive, { level: 0 }),
    expected: LINES,
  },
  {
    what: 'gzip of several members, one of them empty',
    layers: [ENTRIES],
    compress: (archive) => Buffer.concat([...inParts(archive, (part) => gzipSync(part)), gzipSync('')]),
    expected: LINES,
  },
  {
    what: 'gzip with zeros behind it',
    layers: [ENTRIES],
    compress: (archive) => Buffer.concat([gzipSync(archive), Buffer.alloc(3000)]),
    expected: LINES,
    differs: { umoci: 'Go takes no zeros' },
  },
  {
    what: 'zstd',
    layers: [ENTRIES],
    compress: (archive) => storedFrame(archive),
    expected: LINES,
    differs: NO_ZSTD,
  },
  {
    what: 'zstd of several frames, with skippable ones before, between and behind',
    layers: [ENTRIES],
    compress: (archive) => {
      const skipped = skippableFrame(Buffer.from('not of the archive'));
      return Buffer.concat([
        skipped,
        ...inParts(archive, (part) => Buffer.concat([storedFrame(part), skipped])),
      ]);
    },
    expected: LINES,
    differs: NO_ZSTD,
  },
  {
    what: 'zstd:chunked',
    layers: [[...ENTRIES, landmark('.no.prefetch.landmark')]],
    compress: (archive) =>
      Buffer.concat([
        ...inParts(archive, (part) => storedFrame(part)),
        skippableFrame(Buffer.from('index')),
        skippableFrame(Buffer.from('tar-split')),
        chunkedFooter(),
      ]),
    expected: LINES,
    differs: NO_ZSTD,
  },
  {
    what: 'eStargz without prefetching',
    layers: [[landmark('.no.prefetch.landmark'), ...ENTRIES, stargzIndex()]],
    compress: (archive) => estargz(archive),
    expected: LINES,
    differs: { tar: 'it does not know such layers', umoci: 'it does not know such layers' },
  },
  {
    what: 'eStargz with prefetching, and a layer upon it',
    layers: [
      [file('g', 'y'), landmark('.prefetch.landmark'), ...ENTRIES.slice(0, 3), stargzIndex()],
      [landmark('.no.prefetch.landmark'), whiteout('s'), stargzIndex()],
    ],
    compress: (archive) => estargz(archive),
    expected: LINES.slice(0, 3),
    differs: { umoci: 'it does not know such layers' },
  },
  {
    what: 'stargz, its forerunner',
    layers: [[...ENTRIES, stargzIndex()]],
    compress: (archive) => estargz(archive, crfsFooter),
    expected: LINES,
    differs: { tar: 'it does not know such layers', umoci: 'it does not know such layers' },
  },
  {
    what: 'eStargz that was packed anew without its footer',
    layers: [[landmark('.prefetch.landmark'), ...ENTRIES, stargzIndex()]],
    expected: LINES,
    differs: { tar: 'it does not know such layers', umoci: 'it does not know such layers' },
  },
  { what: 'an empty layer', layers: [[]], expected: [] },
  {
    what: 'an empty layer between others',
    layers: [[file('a', '1')], [], [file('b', '2')]],
    expected: ['a = 1', 'b = 2'],
  },
  {
    what: 'an empty file as a layer',
    layers: [[file('a', '1')], []],
    compress: (archive) => (archive.length > 1024 ? archive : Buffer.alloc(0)),
    expected: ['a = 1'],
    differs: { umoci: 'an empty file is no archive for it' },
  },
  {
    what: 'garbage behind the end mark',
    layers: [
      [
        file('a', '1'),
        { type: 'raw', bytes: Buffer.concat([Buffer.alloc(1024), Buffer.alloc(1024, 'garbage')]) },
      ],
    ],
    expected: ['a = 1'],
  },
  {
    what: 'the same layer twice',
    layers: [ENTRIES, ENTRIES],
    expected: LINES,
  },
  {
    what: 'the same layer twice, with deletions and links, and another one between',
    layers: [
      [file('old', 'o'), file('l', '0')],
      [whiteout('old'), directory('d'), file('d/a', '1'), hardLink('h', 'd/a'), opaque('d')],
      [file('old', 'again'), file('d/b', '2')],
      [whiteout('old'), directory('d'), file('d/a', '1'), hardLink('h', 'd/a'), opaque('d')],
    ],
    expected: ['d/', 'd/a = 1', 'h == d/a', 'l = 0'],
  },
];

export const ORDER: readonly LayerCase[] = [
  {
    what: 'a directory after all that is in it',
    layers: [
      [file('d/e/f', 'x'), directory('d/e', { mode: 0o700 }), directory('d', { mode: 0o750, mtime: 3 })],
    ],
    expected: ['d/ 750 @3', 'd/e/ 700', 'd/e/f = x'],
  },
  {
    what: 'missing parents, made with a time that is always the same',
    layers: [[file('a/b/f', 'x')]],
    expected: ['a/ @0', 'a/b/ @0', 'a/b/f = x'],
  },
  {
    what: 'a file three times: the last wins, with its attributes',
    layers: [[file('f', '1', { mode: 0o600 }), file('f', '22', { uid: 5 }), file('f', '333', { mtime: 7 })]],
    expected: ['f = 333 @7'],
  },
  {
    what: 'a hard link to a file that is overwritten later',
    layers: [[file('f', 'old', { mode: 0o600 }), hardLink('h', 'f'), file('f', 'new')]],
    expected: ['f = new', 'h = old 600'],
  },
  {
    what: 'a hard link whose own attributes mean nothing',
    layers: [
      [
        file('f', 'x', { mode: 0o640, uid: 3, mtime: 4 }),
        hardLink('h', 'f', { mode: 0o777, uid: 9, mtime: 5 }),
      ],
    ],
    expected: ['f = x 640 3:0 @4', 'h == f'],
    differs: { umoci: 'it applies them to the file', tar: 'it keeps those of the file' },
  },
  {
    what: 'a hard link to a symbolic link',
    layers: [[symlink('s', 'nowhere', { uid: 2 }), hardLink('h', 's', { uid: 2 })]],
    expected: ['h -> nowhere 2:0', 's -> nowhere 2:0'],
  },
  {
    what: 'a hard link with a size, and no content',
    layers: [[file('f', 'x'), { type: 'raw', bytes: hardLinkOfSize() }, file('g', 'y')]],
    expected: ['f = x', 'g = y', 'h == f'],
  },
  {
    what: 'a symbolic link in the place of a directory, and back',
    layers: [
      [directory('d'), file('d/f', 'x'), symlink('d', 'e'), directory('d'), file('d/g', 'y'), directory('e')],
    ],
    expected: ['d/', 'd/g = y', 'e/'],
    differs: { tar: 'it does not remove a directory that is not empty' },
  },
  {
    what: 'hard links to files of lower layers, two layers up',
    layers: [[file('f', 'x', { mode: 0o4755 })], [file('g', 'y')], [hardLink('h', 'f'), hardLink('i', 'g')]],
    expected: ['f = x 4755', 'g = y', 'h == f', 'i == g'],
    differs: { umoci: 'it applies the attributes of the link to the file' },
  },
];

function hardLinkOfSize(): Buffer {
  return header({
    name: Buffer.from('h'),
    type: '1',
    linkName: Buffer.from('f'),
    sizeBytes: 1,
    mtime: 1_700_000_000,
  });
}
