import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { hasCode } from '../../wishlist/error-code.ts';
import { storageFailure } from '../storage-failure.ts';
import { hexOf, isDigest, type Digest } from '../registry/digest.ts';
import { COMPRESSIONS } from './decompress.ts';
import type { Listing, ListingItem } from './listing.ts';
import { PackedItems } from './packed-items.ts';

/** Changes with the form of the lines, and with what is read from an archive: others are read from the blob again. */
const FORMAT = 5;

const Header = z.object({
  format: z.literal(FORMAT),
  diffId: z.custom<Digest>((value) => typeof value === 'string' && isDigest(value)),
  sizeBytes: z.number(),
  blobBytes: z.number(),
  compression: z.enum(COMPRESSIONS),
  /** How many items follow. */
  entries: z.number(),
});

/** One item: type, path, [mode, uid, gid, mtime], size, target, major, minor, extended attributes. */
type Line = [
  ListingItem['type'],
  string,
  [number, number, number, number],
  number,
  string,
  number,
  number,
  [string, string][],
];

/** Not looked into: the digest at the end vouches that it is what we wrote, in a tenth of the time. */
const Block = z.custom<readonly Line[]>((value) => Array.isArray(value));
const ITEMS_IN_BLOCK = 1_000;

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

  async load(layer: Digest): Promise<Listing | undefined> {
    return await this.#read(layer, parseListing);
  }

  /** The diff ID of a layer whose listing is kept, without reading all of it. */
  async diffIdOf(layer: Digest): Promise<Digest | undefined> {
    return (await this.#header(layer))?.diffId;
  }

  /** The size of the uncompressed archive of such a layer. */
  async sizeBytesOf(layer: Digest): Promise<number | undefined> {
    return (await this.#header(layer))?.sizeBytes;
  }

  /** How many members such a layer has. */
  async entriesOf(layer: Digest): Promise<number | undefined> {
    return (await this.#header(layer))?.entries;
  }

  /** @throws Failure `disk-full`, `state-unusable` */
  async save(layer: Digest, listing: Listing): Promise<void> {
    const path = this.#pathOf(layer);
    const temporary = `${path}.${randomUUID()}.part`;
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await pipeline(linesOf(listing), createWriteStream(temporary, { flags: 'wx', mode: 0o600 }));
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw storageFailure(error, this.directory, 0);
    }
  }

  async #header(layer: Digest): Promise<z.infer<typeof Header> | undefined> {
    return await this.#read(layer, async (lines) => {
      for await (const line of lines) return Header.parse(JSON.parse(line));
      return undefined;
    });
  }

  async #read<T>(layer: Digest, parse: (lines: AsyncIterable<string>) => Promise<T>): Promise<T | undefined> {
    let file: FileHandle | undefined;
    try {
      file = await open(this.#pathOf(layer));
      return await parse(file.readLines());
    } catch (error) {
      if (isMissingOrDamaged(error)) return undefined;
      throw error;
    } finally {
      await file?.close();
    }
  }

  #pathOf(layer: Digest): string {
    const hex = hexOf(layer);
    return join(this.directory, hex.slice(0, 2), `${hex}.jsonl`);
  }
}

class Damaged extends Error {}

async function parseListing(lines: AsyncIterable<string>): Promise<Listing> {
  const hash = createHash('sha256');
  const items = new PackedItems();
  let header: z.infer<typeof Header> | undefined;
  let ahead: string | undefined;
  for await (const line of lines) {
    if (ahead !== undefined) {
      hash.update(`${ahead}\n`);
      const parsed: unknown = JSON.parse(ahead);
      if (header === undefined) header = Header.parse(parsed);
      else for (const item of Block.parse(parsed)) items.add(toItem(item));
    }
    ahead = line;
  }
  const { sha256 } = Trailer.parse(JSON.parse(ahead ?? ''));
  if (header === undefined || sha256 !== hash.digest('hex'))
    throw new Damaged('a listing is not what it was');
  const { diffId, sizeBytes, blobBytes, compression } = header;
  return { diffId, sizeBytes, blobBytes, compression, items };
}

function toItem([type, path, times, sizeBytes, target, major, minor, xattrs]: Line): ListingItem {
  const [mode, uid, gid, mtime] = times;
  return {
    type,
    path,
    attributes: { mode, uid, gid, mtime },
    sizeBytes,
    target,
    major,
    minor,
    xattrs: new Map(xattrs),
  };
}

function* linesOf({ items, ...facts }: Listing): Generator<string> {
  const hash = createHash('sha256');
  const hashed = (value: unknown): string => {
    const line = toText(value);
    hash.update(line);
    return line;
  };
  yield hashed({ format: FORMAT, ...facts, entries: items.length });
  let block: Line[] = [];
  for (const item of items) {
    block.push(toLine(item));
    if (block.length < ITEMS_IN_BLOCK) continue;
    yield hashed(block);
    block = [];
  }
  if (block.length > 0) yield hashed(block);
  yield toText({ sha256: hash.digest('hex') });
}

function toText(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

function toLine({ type, path, attributes, sizeBytes, target, major, minor, xattrs }: ListingItem): Line {
  const { mode, uid, gid, mtime } = attributes;
  return [type, path, [mode, uid, gid, mtime], sizeBytes, target, major, minor, [...xattrs]];
}

function isMissingOrDamaged(error: unknown): boolean {
  if (error instanceof Damaged || error instanceof SyntaxError || error instanceof z.ZodError) return true;
  return hasCode(error, 'ENOENT');
}
