import { isSystemError } from '../../core/system-error.ts';
import type { Attributes, FileEntry } from '../publication/entry.ts';
import type { FilesAside } from '../publication/files-aside.ts';
import { AttributesColumn, Column, DOUBLES, WORDS_32 } from '../packed/column.ts';
import type { Wanted } from './content.ts';
import { digestOfContent } from './content-digests.ts';
import type { ListingItem } from './listing-items.ts';

/** A file of at most so many bytes is written once it is known to be kept. */
const MOST_HELD_BYTES = 4 * 1024 * 1024;

/**
 * Which files of a layer are kept in a pack. Forgotten when the layer is listed: it may know much.
 *
 * @param content the SHA-256 of the file
 */
export type PackRule = (item: ListingItem, content: Buffer) => boolean;

export interface PackLimits {
  /** Bytes that it may take on the disk. */
  readonly mostBytes: number;
  readonly mostFiles: number;
}

/**
 * Contents of some files of one layer, written aside while it is listed: where they are all that is wanted of it, it need not be
 * decompressed a second time.
 */
export class FilePack {
  readonly #limits: PackLimits;
  /** `undefined` once it is closed. */
  #contents: FilesAside | undefined;
  #bytes = 0;
  #rows = 0;
  readonly #ordinals = new Column(WORDS_32);
  readonly #sizes = new Column(DOUBLES);
  readonly #attributes = new AttributesColumn();

  constructor(contents: FilesAside, limits: PackLimits) {
    this.#contents = contents;
    this.#limits = limits;
  }

  /** False where nothing can be read from it. */
  get isOpen(): boolean {
    return this.#contents !== undefined;
  }

  /** Bytes that it takes on the disk. */
  get sizeBytes(): number {
    return this.#bytes;
  }

  get files(): number {
    return this.#rows;
  }

  /** Takes note of a file without content. */
  addEmpty(ordinal: number, { attributes }: ListingItem): void {
    this.#addRow(ordinal, attributes, 0);
  }

  /**
   * Reads a file, and keeps it if `isKept` says so. What cannot be written is no error: the pack is closed then.
   *
   * @returns the SHA-256 of the content
   */
  async add(
    ordinal: number,
    item: ListingItem,
    content: AsyncIterable<Uint8Array>,
    isKept: PackRule,
  ): Promise<Buffer> {
    const { sizeBytes } = item;
    const fits = this.#bytes + sizeBytes <= this.#limits.mostBytes;
    const held: Uint8Array[] = [];
    const digest = await digestOfContent(content, (chunk) => {
      if (sizeBytes <= MOST_HELD_BYTES) held.push(chunk);
      else if (fits) this.#do((contents) => contents.write(chunk));
    });
    if (!isKept(item, digest)) this.#do((contents) => contents.drop());
    else if (fits) {
      for (const chunk of held) this.#do((contents) => contents.write(chunk));
      this.#do((contents) => contents.keep(digest));
      this.#bytes += sizeBytes;
      this.#addRow(ordinal, item.attributes, sizeBytes);
    } else await this.close();
    return digest;
  }

  /** True where it has all files that are `wanted` of the layer. */
  hasAll(wanted: Wanted): boolean {
    if (this.#contents === undefined) return false;
    let found = 0;
    for (let row = 0; row < this.#rows; row++) if (wanted.get(this.#ordinals.at(row)) !== undefined) found++;
    return found === wanted.size;
  }

  /**
   * The files that are `wanted`, with their contents, in the order of the archive. They can be read once, since who reads them may
   * move them away.
   *
   * @throws Failure `digest-mismatch` for a content that is not what was written; `layer-vanished` where it is gone
   */
  async *entries(wanted: Wanted): AsyncGenerator<FileEntry> {
    const contents = this.#contents;
    if (contents === undefined) throw new Error('the pack of a layer was closed before it was read');
    this.#contents = undefined;
    try {
      let number = 0;
      for (let row = 0; row < this.#rows; row++) {
        const path = wanted.get(this.#ordinals.at(row));
        const attributes = this.#attributes.at(row);
        const sizeBytes = this.#sizes.at(row);
        const content = sizeBytes === 0 ? { content: [] } : contents.at(number++);
        if (path !== undefined) yield { type: 'file', path, attributes, sizeBytes, ...content };
      }
    } finally {
      await contents.close();
    }
  }

  async close(): Promise<void> {
    const contents = this.#contents;
    this.#contents = undefined;
    await contents?.close();
  }

  #addRow(ordinal: number, attributes: Attributes, sizeBytes: number): void {
    if (this.#contents === undefined) return;
    if (this.#rows >= this.#limits.mostFiles) {
      void this.close();
      return;
    }
    const row = this.#rows++;
    this.#ordinals.set(row, ordinal);
    this.#sizes.set(row, sizeBytes);
    this.#attributes.set(row, attributes);
  }

  /** Does without the pack where the disk is full, or too many files are open. */
  #do(work: (contents: FilesAside) => void): void {
    if (this.#contents === undefined) return;
    try {
      work(this.#contents);
    } catch (error) {
      void this.close();
      if (!isSystemError(error)) throw error;
    }
  }
}
