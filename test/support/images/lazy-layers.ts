import { gzipSync } from 'node:zlib';
import { file, type LayerEntry } from './layer-entry.ts';

/** What marks the end of what is to be prefetched, or that nothing is: four bits. */
export function landmark(name: '.prefetch.landmark' | '.no.prefetch.landmark'): LayerEntry {
  return file(name, Buffer.from([0x0f]), { mode: 0o444, mtime: 0 });
}

/** The index of an eStargz layer, which is its last member. */
export function stargzIndex(): LayerEntry {
  return file('stargz.index.json', JSON.stringify({ version: 1, entries: [] }), { mode: 0o444, mtime: 0 });
}

/**
 * An eStargz blob: gzip members that begin where a content does, and a footer that says where the index is.
 *
 * @see stargz-snapshotter, docs/estargz.md
 */
export function estargz(archive: Buffer, footer = stargzFooter): Buffer {
  const at = Math.max(0, archive.indexOf('stargz.index.json'));
  const members = [archive.subarray(0, 512), archive.subarray(512, at), archive.subarray(at)];
  const compressed = members.filter(({ length }) => length > 0).map((member) => gzipSync(member));
  const index = compressed.slice(0, -1).reduce((sum, { length }) => sum + length, 0);
  return Buffer.concat([...compressed, footer(index)]);
}

/** An empty gzip member of 51 bytes. */
function stargzFooter(indexOffset: number): Buffer {
  return emptyMember(Buffer.concat([Buffer.from('SG\x16\0'), mark(indexOffset)]));
}

/** As CRFS, from which eStargz comes, writes it: 47 bytes. */
export function crfsFooter(indexOffset: number): Buffer {
  return emptyMember(mark(indexOffset));
}

/** What `GNUlInUx` ends: where index and tar-split are (containers/storage, "ZstdChunkedFooterData"). */
export function chunkedFooter(bodyBytes: 40 | 64 = 64): Buffer {
  const body = Buffer.alloc(bodyBytes, 1);
  body.write('GNUlInUx', bodyBytes - 8);
  return skippableFrame(body);
}

/** A zstd frame that decoders pass over (RFC 8878, section 3.1.2). */
export function skippableFrame(body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(0x184d2a50);
  head.writeUInt32LE(body.length, 4);
  return Buffer.concat([head, body]);
}

function mark(indexOffset: number): Buffer {
  return Buffer.from(`${indexOffset.toString(16).padStart(16, '0')}STARGZ`);
}

function emptyMember(extra: Buffer): Buffer {
  const head = Buffer.from([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff]);
  const length = Buffer.from([extra.length, 0]);
  return Buffer.concat([head, length, extra, Buffer.from([1, 0, 0, 0xff, 0xff]), Buffer.alloc(8)]);
}
