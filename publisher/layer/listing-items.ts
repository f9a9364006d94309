import { createHash } from 'node:crypto';
import { AttributesColumn, BYTES, Column, DOUBLES, WORDS_32 } from '../packed/column.ts';
import { TextPool } from '../packed/text-pool.ts';
import type { Attributes } from '../publication/entry.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import { MEMBER_TYPES, type Member, type MemberType } from './tar-header.ts';
import { NO_XATTRS, xattrBytes } from './pax.ts';

export interface ListingItem extends Omit<Member, 'name' | 'linkName'> {
  readonly path: BytePath;
  /** Of a symbolic link, as written; of a hard link, the path within the image. */
  readonly target: string;
}

/** The items of a listing: those that are read are packed, others may be a plain array. */
export interface ListingItems extends Iterable<ListingItem> {
  readonly length: number;
}

/** The items of a listing, in about 60 bytes each: a layer may have a million. An item's row is its ordinal. */
export class PackedItems implements ListingItems {
  /** Names and targets; trees add the names that no item has. */
  readonly texts = new TextPool();
  #length = 0;
  readonly #types = new Column(BYTES);
  /** The part before the last slash of each path: neighbors share it. */
  readonly #folders: BytePath[] = [''];
  readonly #folderNumbers = new Map<BytePath, number>([['', 0]]);
  readonly #folderOf = new Column(WORDS_32);
  readonly #names = new Column(WORDS_32);
  readonly #targets = new Column(WORDS_32);
  readonly #attributes = new AttributesColumn();
  readonly #sizes = new Column(DOUBLES);
  readonly #devices = new Map<number, readonly [major: number, minor: number]>();
  readonly #xattrs = new Map<number, ReadonlyMap<string, string>>();
  /** By a digest of what they are: repeated ones are kept once. */
  readonly #equalXattrs = new Map<string, ReadonlyMap<string, string>>();
  /** Attributes of the last item that had any: a global header gives the same to all members. */
  #lastXattrs: readonly [given: ReadonlyMap<string, string>, kept: ReadonlyMap<string, string>] | undefined;
  #textBytes = 0;

  /** `items`, packed unless they are already. */
  static of(items: Iterable<ListingItem>): PackedItems {
    if (items instanceof PackedItems) return items;
    const packed = new PackedItems();
    for (const item of items) packed.add(item);
    return packed;
  }

  get length(): number {
    return this.#length;
  }

  /** Bytes of all names, folders, targets and extended attributes: what is repeated counts once, as it is kept. */
  get textBytes(): number {
    return this.#textBytes;
  }

  add({ type, path, attributes, sizeBytes, target, major, minor, xattrs }: ListingItem): void {
    const row = this.#length++;
    const slash = path.lastIndexOf('/');
    this.#types.set(row, MEMBER_TYPES.indexOf(type));
    this.#folderOf.set(row, this.#numberOf(slash === -1 ? '' : path.slice(0, slash)));
    this.#names.set(row, this.texts.add(path.slice(slash + 1)));
    if (target !== '') this.#targets.set(row, this.texts.add(target));
    this.#textBytes += path.length - slash - 1 + target.length;
    this.#attributes.set(row, attributes);
    if (sizeBytes !== 0) this.#sizes.set(row, sizeBytes);
    if (major !== 0 || minor !== 0) this.#devices.set(row, [major, minor]);
    if (xattrs.size > 0) this.#xattrs.set(row, this.#shared(xattrs));
  }

  *[Symbol.iterator](): Generator<ListingItem> {
    for (let row = 0; row < this.#length; row++) yield this.at(row);
  }

  at(row: number): ListingItem {
    const [major, minor] = this.deviceAt(row);
    return {
      type: this.typeAt(row),
      path: this.pathAt(row),
      attributes: this.attributesAt(row),
      sizeBytes: this.sizeAt(row),
      target: this.targetAt(row),
      major,
      minor,
      xattrs: this.xattrsAt(row),
    };
  }

  typeAt(row: number): MemberType {
    return MEMBER_TYPES[this.#types.at(row)] ?? 'file';
  }

  pathAt(row: number): BytePath {
    const folder = this.#folders[this.#folderOf.at(row)] ?? '';
    const name = this.texts.at(this.#names.at(row));
    return folder === '' ? name : `${folder}/${name}`;
  }

  /** Position among the texts of what is behind the last slash of the path. */
  nameAt(row: number): number {
    return this.#names.at(row);
  }

  targetAt(row: number): string {
    return this.texts.at(this.#targets.at(row));
  }

  attributesAt(row: number): Attributes {
    return this.#attributes.at(row);
  }

  sizeAt(row: number): number {
    return this.#sizes.at(row);
  }

  deviceAt(row: number): readonly [major: number, minor: number] {
    return this.#devices.get(row) ?? [0, 0];
  }

  xattrsAt(row: number): ReadonlyMap<string, string> {
    return this.#xattrs.get(row) ?? NO_XATTRS;
  }

  #numberOf(folder: BytePath): number {
    const known = this.#folderNumbers.get(folder);
    if (known !== undefined) return known;
    const number = this.#folders.length;
    const flat = unsliced(folder);
    this.#folders.push(flat);
    this.#textBytes += flat.length;
    this.#folderNumbers.set(flat, number);
    return number;
  }

  #shared(xattrs: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
    if (this.#lastXattrs?.[0] === xattrs) return this.#lastXattrs[1];
    const key = createHash('sha256')
      .update(JSON.stringify([...xattrs]))
      .digest('base64');
    const known = this.#equalXattrs.get(key);
    if (known === undefined) {
      this.#equalXattrs.set(key, xattrs);
      this.#textBytes += xattrBytes(xattrs);
    }
    this.#lastXattrs = [xattrs, known ?? xattrs];
    return this.#lastXattrs[1];
  }
}

/** A copy of a part of a text, which would else keep the whole text in memory. */
function unsliced(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
