import { createHash } from 'node:crypto';
import { mkdir, open, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { hasCode } from '../../core/system-error.ts';
import { systemFailure } from '../../core/system-failure.ts';
import { hexOf, isDigest, type Digest } from '../../core/oci/digest.ts';
import { COMPRESSIONS } from './decompress.ts';
import type { Listing } from './listing.ts';
import { type ListingItem, PackedItems } from './listing-items.ts';
import { NO_XATTRS, xattrBytes } from './pax.ts';
import { writeQuickly } from '../../core/system/files.ts';
import { noteUse, removeUnused, type RemovedFiles, type UnusedRule } from '../../core/system/unused-files.ts';

/** Changes with the form of the lines, and with what is read from an archive: others are read from the blob again. */
const FORMAT = 6;

const Header = z.object({
  format: z.literal(FORMAT),
  diffId: z.custom<Digest>((value) => typeof value === 'string' && isDigest(value)),
  sizeBytes: z.number(),
  blobBytes: z.number(),
  compression: z.enum(COMPRESSIONS),
  entries: z.number(),
});

/** The extended attributes of an item, or those of an earlier one, as how many'th they were: many items share them. */
type LineXattrs = [string, string][] | number;

/** An item: type, path, [mode, uid, gid, mtime], size, target, major, minor, extended attributes. */
type Line = [
  ListingItem['type'],
  string,
  [number, number, number, number],
  number,
  string,
  number,
  number,
  LineXattrs,
];

/** Not looked into: the digest at the end vouches that it is what we wrote, in a tenth of the time. */
const Block = z.custom<readonly Line[]>((value) => Array.isArray(value));
const ITEMS_IN_BLOCK = 1_000;
/** A block is one line, which is parsed at once: nobody else has his turn meanwhile. */
const TEXTS_IN_BLOCK_BYTES = 256 * 1024;

const Trailer = z.object({ sha256: z.string() });

/**
 * Keeps the listings of layers below a directory, a file for each, so that a layer that is published need not be
 * downloaded again for the next image on top of it. A cache: whatever is missing or damaged is made anew. A file has a
 * line of JSON for the header, one for each block of items, and one with the digest of all lines before it.
 */
export class ListingStore {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** Removes a listing that is damaged: its layer is listed again. */
  async load(layer: Digest): Promise<Listing | undefined> {
    const listing = await this.#read(layer, parseListing);
    if (listing === undefined) await rm(this.pathOf(layer), { force: true }).catch(() => undefined);
    return listing;
  }

  /** Reads the facts of a layer whose listing is kept, and the number of its items, without reading all of it. */
  async headerOf(layer: Digest): Promise<z.infer<typeof Header> | undefined> {
    return await this.#read(layer, async (lines) => {
      for await (const line of lines) return Header.parse(JSON.parse(line));
      return undefined;
    });
  }

  /** @throws Failure `disk-full`, `state-unusable` */
  async save(layer: Digest, listing: Listing): Promise<void> {
    await this.write(layer, 'jsonl', linesOf(listing));
  }

  /** Writes the listing of a layer, or what else is kept of it. Throws as {@link save} does. */
  async write(layer: Digest, kind: KeptKind, content: Iterable<string | Uint8Array>): Promise<void> {
    const path = this.pathOf(layer, kind);
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeQuickly(path, content);
    } catch (error) {
      throw systemFailure(error, { path: this.directory, code: 'state-unusable' });
    }
  }

  /** Removes listings that were not used for long, but for those of layers that are known. */
  async removeUnused(
    isKnown: (layer: Digest) => boolean,
    rule: Omit<UnusedRule, 'mayGo'>,
  ): Promise<RemovedFiles> {
    const mayGo = (name: string): boolean => {
      const [, hex] = FILE.exec(name) ?? [];
      return hex !== undefined && !isKnown(`sha256:${hex}`);
    };
    return await removeUnused(this.directory, { ...rule, mayGo });
  }

  async #read<T>(layer: Digest, parse: (lines: AsyncIterable<string>) => Promise<T>): Promise<T | undefined> {
    const path = this.pathOf(layer);
    let file: FileHandle | undefined;
    try {
      file = await open(path);
      await noteUse(path, (await file.stat()).mtimeMs);
      return await parse(file.readLines());
    } catch (error) {
      if (isMissingOrDamaged(error)) return undefined;
      throw error;
    } finally {
      await file?.close();
    }
  }

  /** Of the listing, or of what else is kept of the layer: both are removed alike. */
  pathOf(layer: Digest, kind: KeptKind = 'jsonl'): string {
    const hex = hexOf(layer);
    return join(this.directory, hex.slice(0, 2), `${hex}.${kind}`);
  }
}

/** The listing, or the records of files that other layers may share. */
type KeptKind = 'jsonl' | 'files';

const FILE = /^([0-9a-f]{64})\.(?:jsonl|files)$/;

class Damaged extends Error {}

async function parseListing(lines: AsyncIterable<string>): Promise<Listing> {
  const hash = createHash('sha256');
  const items = new PackedItems();
  const xattrs = new ReadXattrs();
  let header: z.infer<typeof Header> | undefined;
  let ahead: string | undefined;
  for await (const line of lines) {
    if (ahead !== undefined) {
      hash.update(`${ahead}\n`);
      const parsed: unknown = JSON.parse(ahead);
      if (header === undefined) header = Header.parse(parsed);
      else for (const item of Block.parse(parsed)) items.add(toItem(item, xattrs));
    }
    ahead = line;
  }
  const { sha256 } = Trailer.parse(JSON.parse(ahead ?? ''));
  if (header === undefined || sha256 !== hash.digest('hex'))
    throw new Damaged('a listing is not what it was');
  const { diffId, sizeBytes, blobBytes, compression } = header;
  return { diffId, sizeBytes, blobBytes, compression, items };
}

/** The extended attributes that the lines of a listing have had until now. */
class ReadXattrs {
  readonly #read: ReadonlyMap<string, string>[] = [];

  of(line: LineXattrs): ReadonlyMap<string, string> {
    if (typeof line === 'number') {
      const earlier = this.#read[line];
      if (earlier === undefined) throw new Damaged('a listing is not what it was');
      return earlier;
    }
    if (line.length === 0) return NO_XATTRS;
    const xattrs = new Map(line);
    this.#read.push(xattrs);
    return xattrs;
  }
}

/** The same for lines that are written. */
class WrittenXattrs {
  readonly #written = new Map<ReadonlyMap<string, string>, number>();

  lineOf(xattrs: ReadonlyMap<string, string>): LineXattrs {
    const earlier = this.#written.get(xattrs);
    if (earlier !== undefined) return earlier;
    if (xattrs.size > 0) this.#written.set(xattrs, this.#written.size);
    return [...xattrs];
  }
}

function toItem(
  [type, path, times, sizeBytes, target, major, minor, xattrs]: Line,
  read: ReadXattrs,
): ListingItem {
  const [mode, uid, gid, mtime] = times;
  const attributes = { mode, uid, gid, mtime };
  return { type, path, attributes, sizeBytes, target, major, minor, xattrs: read.of(xattrs) };
}

function* linesOf({ items, ...listing }: Listing): Generator<string> {
  const { diffId, sizeBytes: archiveBytes, blobBytes, compression } = listing;
  const facts = { diffId, sizeBytes: archiveBytes, blobBytes, compression };
  const hash = createHash('sha256');
  const hashed = (value: unknown): string => {
    const line = toText(value);
    hash.update(line);
    return line;
  };
  yield hashed({ format: FORMAT, ...facts, entries: items.length });
  const xattrs = new WrittenXattrs();
  let block: Line[] = [];
  let textBytes = 0;
  for (const item of items) {
    const line = xattrs.lineOf(item.xattrs);
    const { mode, uid, gid, mtime } = item.attributes;
    const { type, path, sizeBytes, target, major, minor } = item;
    block.push([type, path, [mode, uid, gid, mtime], sizeBytes, target, major, minor, line]);
    textBytes += path.length + target.length + (typeof line === 'number' ? 0 : xattrBytes(item.xattrs));
    if (block.length < ITEMS_IN_BLOCK && textBytes < TEXTS_IN_BLOCK_BYTES) continue;
    yield hashed(block);
    block = [];
    textBytes = 0;
  }
  if (block.length > 0) yield hashed(block);
  yield toText({ sha256: hash.digest('hex') });
}

function toText(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

function isMissingOrDamaged(error: unknown): boolean {
  if (error instanceof Damaged || error instanceof SyntaxError || error instanceof z.ZodError) return true;
  return hasCode(error, 'ENOENT');
}
