import { createHash } from 'node:crypto';
import { Failure } from '../../core/failure.ts';
import type { Attributes } from '../publication/entry.ts';
import { displayPath, type BytePath } from '../../core/system/byte-path.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { MAGIC_BYTES, compressionOf, decompress, readBlob, type Compression } from './decompress.ts';
import { isIndex, isLandmark, memberPath } from './member-path.ts';
import { LayerMeter, UNLIMITED, type LayerLimits } from './limits.ts';
import type { Member } from './tar-header.ts';
import { PackedItems, type ListingItem, type ListingItems } from './listing-items.ts';
import { TarReader } from './tar-reader.ts';
import { ContentDigests, digestOfContent } from './content-digests.ts';
import type { FilePack, PackRule } from './file-pack.ts';

/** Facts of a layer that follow from its bytes alone: manifests and configs may claim others. */
export interface LayerFacts {
  readonly diffId: Digest;
  /** Size of the uncompressed archive. */
  readonly sizeBytes: number;
  readonly blobBytes: number;
  readonly compression: Compression;
}

/** The members of a layer in the order of its archive: all that composing needs, except the contents of files. */
export interface Listing extends LayerFacts {
  readonly items: ListingItems;
}

/** A listing that was just made, with what is not kept in it. */
export interface FreshListing extends Listing {
  /** Of its files, but for empty and sparse ones. */
  readonly contents: ContentDigests;
}

export interface ListOptions {
  readonly signal?: AbortSignal | undefined;
  readonly limits?: LayerLimits;
  /** Gets the files of the layer that are to be kept, but for sparse ones. */
  readonly aside?: { readonly pack: FilePack; readonly isKept: PackRule } | undefined;
}

/**
 * Reads the whole layer once and lists it: that of a file's path, or of the bytes of one. The files that a layer has
 * only for lazy pulling are left out.
 *
 * @throws Failure `layer-corrupt`, `layer-refused`; `digest-mismatch` where its uncompressed bytes are not `diffId`
 *   (OCI image specification 1.1, config.md, "Layer DiffID")
 */
export async function listLayer(
  blob: string | AsyncIterable<Uint8Array>,
  diffId: Digest,
  { signal, limits = UNLIMITED, aside }: ListOptions = {},
): Promise<FreshListing> {
  const hash = createHash('sha256');
  const meter = new LayerMeter(limits);
  let blobBytes = 0;
  let start: Uint8Array = new Uint8Array(0);
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of typeof blob === 'string' ? readBlob(blob) : blob) {
      blobBytes += chunk.length;
      if (start.length < MAGIC_BYTES) start = Buffer.concat([start, chunk.subarray(0, MAGIC_BYTES)]);
      yield chunk;
    }
  }
  async function* hashed(): AsyncGenerator<Uint8Array> {
    for await (const chunk of decompress(counted())) {
      signal?.throwIfAborted();
      meter.countArchive(chunk.length, blobBytes);
      hash.update(chunk);
      yield chunk;
    }
  }
  const bytes = hashed();
  let listed: Pick<FreshListing, 'items' | 'contents'>;
  try {
    listed = await itemsOf(new TarReader(bytes, limits), meter, aside);
    meter.checkContent(blobBytes);
  } finally {
    await bytes.return(undefined);
  }
  const actual = `sha256:${hash.digest('hex')}` as const;
  if (actual !== diffId) throw mismatch('the uncompressed layer is', actual, diffId);
  const facts = { diffId, sizeBytes: meter.archiveBytes, blobBytes, compression: compressionOf(start) };
  return { ...facts, ...listed };
}

async function itemsOf(
  archive: TarReader,
  meter: LayerMeter,
  aside: ListOptions['aside'],
): Promise<Pick<FreshListing, 'items' | 'contents'>> {
  const items = new PackedItems();
  const contents = new ContentDigests();
  const digestOf = async (ordinal: number, item: ListingItem, content: AsyncIterable<Uint8Array>) =>
    aside === undefined
      ? await digestOfContent(content)
      : await aside.pack.add(ordinal, item, content, aside.isKept);
  let last: ListingItem | undefined;
  for (let member = await archive.next(); member !== undefined; member = await archive.next()) {
    const item = toItem(member);
    meter.countMember(item.sizeBytes);
    if (isLandmark(item)) continue;
    if (last !== undefined) items.add(last);
    meter.checkNames(items.textBytes);
    last = item;
    if (item.type !== 'file' || archive.isSparse) continue;
    const ordinal = items.length;
    if (item.sizeBytes === 0) aside?.pack.addEmpty(ordinal, item);
    else contents.set(ordinal, await digestOf(ordinal, item, archive.content()));
  }
  if (last !== undefined && !isIndex(last)) items.add(last);
  meter.checkNames(items.textBytes);
  return { items, contents };
}

/** @param named by the image's config, as the diff ID of `layer` */
export function wrongDiffId(layer: Digest, actual: Digest, named: Digest | undefined): Failure {
  return mismatch(`layer ${layer}: uncompressed it is`, actual, named);
}

function mismatch(subject: string, actual: Digest, named: Digest | undefined): Failure {
  const message = `${subject} ${actual}, the image's config says ${named ?? 'nothing of it'}`;
  const hint = 'the image is broken in the registry: push it again';
  return new Failure('digest-mismatch', message, { hint });
}

function toItem(member: Member): ListingItem {
  const { type, attributes, sizeBytes, major, minor, xattrs } = member;
  const path = memberPath(member.name);
  checkOwner(path, attributes);
  const target = type === 'link' ? memberPath(member.linkName) : member.linkName;
  if (type === 'symlink') checkTarget(path, target);
  checkDevice(path, member);
  return { type, path, attributes, sizeBytes, target, major, minor, xattrs };
}

/** The highest identity is none: system calls take it for "leave it as it is". */
const HIGHEST_OWNER = 0xffff_fffe;
const LONGEST_TARGET_BYTES = 4_095;

/** Refuses owners that no file system can hold now, and not while a whole batch is being written. */
function checkOwner(path: BytePath, { uid, gid }: Attributes): void {
  if ([uid, gid].every((id) => id >= 0 && id <= HIGHEST_OWNER)) return;
  const message = `${displayPath(path)} has the owner ${uid}:${gid}, which is not a valid one`;
  throw new Failure('layer-refused', message, { hint: 'rebuild the image with valid owners' });
}

/** Linux has 12 bits for the one and 20 for the other. */
function checkDevice(path: BytePath, { major, minor }: Member): void {
  if (major >= 0 && major < 2 ** 12 && minor >= 0 && minor < 2 ** 20) return;
  throw new Failure('layer-refused', `${displayPath(path)} has the device number ${major}:${minor}`, {
    hint: 'no system has such a device: rebuild the image',
  });
}

function checkTarget(path: BytePath, target: string): void {
  if (target !== '' && target.length <= LONGEST_TARGET_BYTES && !target.includes('\0')) return;
  const reason = target.includes('\0') ? 'holds a NUL' : `has ${target.length} bytes`;
  throw new Failure('layer-refused', `the target of the symbolic link ${displayPath(path)} ${reason}`, {
    hint: 'such a link cannot be made: rebuild the image',
  });
}
