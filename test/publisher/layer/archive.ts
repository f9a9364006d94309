import { UNLIMITED } from '../../../publisher/layer/limits.ts';
import { TarReader } from '../../../publisher/layer/tar-reader.ts';
import type { Member } from '../../../publisher/layer/tar-header.ts';
import type { LayerEntry } from '../../support/images/layer-entry.ts';
import {
  headerBlock,
  padding,
  paxRecords,
  withChecksum,
  type Header,
} from '../../support/images/tar-header.ts';
import { tarArchive } from '../../support/images/tar.ts';

/** A member with its content, one character a byte. */
export type Found = Member & { readonly content: string };

/** An archive of `entries` with its end mark. */
export async function archiveOf(...entries: LayerEntry[]): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of tarArchive(entries)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Reads `archive` to its end, in chunks of `chunkBytes`. */
export async function membersOf(archive: Buffer, chunkBytes = 1000, limits = UNLIMITED): Promise<Found[]> {
  const reader = new TarReader(chunksOf(archive, chunkBytes), limits);
  const found: Found[] = [];
  for (let member = await reader.next(); member !== undefined; member = await reader.next()) {
    const parts: Buffer[] = [];
    for await (const part of reader.content()) parts.push(part);
    found.push({ ...member, content: Buffer.concat(parts).toString('latin1') });
  }
  return found;
}

export async function* chunksOf(bytes: Buffer, chunkBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

const PLAIN: Header = {
  name: Buffer.from('name'),
  type: '0',
  mode: 0o644,
  uid: 0,
  gid: 0,
  sizeBytes: 0,
  mtime: 0,
  linkName: Buffer.alloc(0),
  major: 0,
  minor: 0,
};

/** A header block; `change` writes what no field says, and the checksum is made for the result. */
export function header(fields: Partial<Header>, change: (block: Buffer) => void = () => undefined): Buffer {
  const block = headerBlock({ ...PLAIN, ...fields });
  change(block);
  return withChecksum(block);
}

/** A header with a body, such as a long name; with the padding that follows. */
export function withBody(type: string, body: Buffer): Buffer {
  return Buffer.concat([header({ type, sizeBytes: body.length }), body, padding(body.length)]);
}

/** An extended header of the type `x`, or `g`: of all members that follow. */
export function pax(records: Readonly<Record<string, string | Buffer>>, type: 'x' | 'g' = 'x'): Buffer {
  return withBody(
    type,
    paxRecords(new Map(Object.entries(records).map(([key, value]) => [key, Buffer.from(value)]))),
  );
}

/** `archive` of several parts with its end mark. */
export function ended(...parts: Buffer[]): Buffer {
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

/** A number in base 256 as GNU tar writes it: two's complement, the first bit set. */
export function base256(value: bigint, widthBytes: number): Buffer {
  const bytes = Buffer.from(
    BigInt.asUintN(widthBytes * 8, value)
      .toString(16)
      .padStart(widthBytes * 2, '0'),
    'hex',
  );
  bytes[0] = (bytes[0] ?? 0) | 0x80;
  return bytes;
}
