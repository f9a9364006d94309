import { createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { storageFailure } from '../storage-failure.ts';
import { hexOf, isDigest, type Digest } from '../registry/digest.ts';
import type { Listing, ListingItem } from './listing.ts';

/** Changes with the form of the lines: listings of another form are read from the blob again. */
const FORMAT = 1;

const Header = z.object({
  format: z.literal(FORMAT),
  diffId: z.custom<Digest>((value) => typeof value === 'string' && isDigest(value)),
  sizeBytes: z.number(),
  items: z.number(),
});

const Line = z.tuple([
  z.enum(['file', 'link', 'symlink', 'character-device', 'block-device', 'directory', 'fifo']),
  z.string(),
  z.tuple([z.number(), z.number(), z.number(), z.number()]),
  z.number(),
  z.string(),
  z.number(),
  z.number(),
  z.array(z.tuple([z.string(), z.string()])),
]);

/**
 * Keeps the listings of layers below a directory, a file for each, so that a layer that is published need not be
 * downloaded again for the next image on top of it. A cache: whatever is missing or damaged is made anew.
 */
export class ListingStore {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async load(layer: Digest): Promise<Listing | undefined> {
    return await this.#read(layer, parseListing);
  }

  /** The diff ID of a layer whose listing is kept, without reading all of it. */
  async diffIdOf(layer: Digest): Promise<Digest | undefined> {
    return await this.#read(layer, async (lines) => {
      for await (const line of lines) return Header.parse(JSON.parse(line)).diffId;
      return undefined;
    });
  }

  /** @throws Failure `disk-full`, `state-unusable` */
  async save(layer: Digest, listing: Listing): Promise<void> {
    const path = this.#pathOf(layer);
    const temporary = `${path}.${process.pid}.part`;
    try {
      await mkdir(dirname(path), { recursive: true });
      await pipeline(linesOf(listing), createWriteStream(temporary));
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw storageFailure(error, this.#directory, 0);
    }
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
    return join(this.#directory, hex.slice(0, 2), `${hex}.jsonl`);
  }
}

class Damaged extends Error {}

async function parseListing(lines: AsyncIterable<string>): Promise<Listing> {
  let header: z.infer<typeof Header> | undefined;
  const items: ListingItem[] = [];
  for await (const line of lines) {
    if (header === undefined) header = Header.parse(JSON.parse(line));
    else items.push(toItem(Line.parse(JSON.parse(line))));
  }
  if (header === undefined || items.length !== header.items) throw new Damaged('a listing is cut off');
  return { diffId: header.diffId, sizeBytes: header.sizeBytes, items };
}

function toItem([type, path, times, sizeBytes, target, major, minor, xattrs]: z.infer<
  typeof Line
>): ListingItem {
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

function* linesOf(listing: Listing): Generator<string> {
  const { diffId, sizeBytes, items } = listing;
  yield `${JSON.stringify({ format: FORMAT, diffId, sizeBytes, items: items.length })}\n`;
  let text = '';
  for (const item of items) {
    text += `${JSON.stringify(toLine(item))}\n`;
    if (text.length < 64 * 1024) continue;
    yield text;
    text = '';
  }
  yield text;
}

function toLine({
  type,
  path,
  attributes,
  sizeBytes,
  target,
  major,
  minor,
  xattrs,
}: ListingItem): z.infer<typeof Line> {
  const { mode, uid, gid, mtime } = attributes;
  return [type, path, [mode, uid, gid, mtime], sizeBytes, target, major, minor, [...xattrs]];
}

function isMissingOrDamaged(error: unknown): boolean {
  if (error instanceof Damaged || error instanceof SyntaxError || error instanceof z.ZodError) return true;
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
