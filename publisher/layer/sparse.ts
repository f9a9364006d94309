import { Failure } from '../../core/failure.ts';
import { hole } from '../publication/entry.ts';
import type { ByteReader } from './bytes.ts';
import { overLimit, type LayerLimits } from './limits.ts';
import { paxInteger, paxText, type PaxRecords } from './pax.ts';
import {
  BLOCK_BYTES,
  decodeSparseEntries,
  decodeSparseHeader,
  shown,
  type Extent,
  type RawHeader,
} from './tar-header.ts';

/** The map from a sparse file's content to what the archive stores of it. */
export interface SparseMap {
  /** In ascending order, none within another, none beyond the end. */
  readonly extents: readonly Extent[];
  /** Of the file with its holes. */
  readonly sizeBytes: number;
  /** Of the stored content, after any map. */
  readonly storedBytes: number;
}

/** A member whose header has been read, and where its map may follow. */
export interface SparseSource {
  readonly name: string;
  readonly header: RawHeader;
  /** Of the member alone: no global header makes a file sparse. */
  readonly records: PaxRecords;
  /** As header or records state it. */
  readonly storedBytes: number;
  readonly bytes: ByteReader;
  readonly limits: LayerLimits;
}

interface Unchecked extends Omit<SparseMap, 'storedBytes'> {
  /** Of the map within the stored content. */
  readonly mapBytes: number;
}

/**
 * The map of a sparse file; `undefined` where the file is none. Reads what belongs to the map from the archive.
 *
 * @see GNU tar manual, "Storing Sparse Files": the old format, and the versions 0.0, 0.1 and 1.0 of PAX records
 * @throws Failure `layer-corrupt` for a map that does not fit the file, `layer-refused` for an unknown version or a
 *   map over the limit of headers
 */
export async function readSparseMap(source: SparseSource): Promise<SparseMap | undefined> {
  const map = await uncheckedMap(source);
  if (map === undefined) return undefined;
  const { extents, sizeBytes } = map;
  if (sizeBytes < 0) throw badMap(source, `a size of ${sizeBytes}`);
  let end = 0;
  let total = 0;
  for (const extent of extents) {
    if (extent.offset < end || extent.sizeBytes < 0)
      throw badMap(source, 'parts that overlap or are out of order');
    end = extent.offset + extent.sizeBytes;
    total += extent.sizeBytes;
    if (end > sizeBytes) throw badMap(source, `a part that ends at ${end}, and a size of ${sizeBytes}`);
  }
  const storedBytes = source.storedBytes - map.mapBytes;
  if (total !== storedBytes) throw badMap(source, `parts of ${total} bytes, and ${storedBytes} are stored`);
  return { extents, sizeBytes, storedBytes };
}

/** The content with its holes; `stored` gives the next so many bytes of the archive. */
export async function* expandSparse(
  { extents, sizeBytes }: SparseMap,
  stored: (sizeBytes: number) => AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  let at = 0;
  for (const extent of extents) {
    yield* hole(extent.offset - at);
    yield* stored(extent.sizeBytes);
    at = extent.offset + extent.sizeBytes;
  }
  yield* hole(sizeBytes - at);
}

async function uncheckedMap(source: SparseSource): Promise<Unchecked | undefined> {
  const { header, records } = source;
  if (header.typeFlag === 'S') return await oldMap(source);
  if (![...records.keys()].some((key) => key.startsWith('GNU.sparse.'))) return undefined;
  const version = `${paxText(records, 'GNU.sparse.major') ?? '0'}.${paxText(records, 'GNU.sparse.minor') ?? '0'}`;
  const sizeBytes = paxInteger(records, 'GNU.sparse.realsize') ?? paxInteger(records, 'GNU.sparse.size');
  if (sizeBytes === undefined) throw badMap(source, 'no size');
  if (version === '1.0') return { sizeBytes, ...(await mapInContent(source)) };
  if (version === '0.0' || version === '0.1')
    return { sizeBytes, extents: mapInRecords(source), mapBytes: 0 };
  throw new Failure(
    'layer-refused',
    `${shown(source.name)} is a sparse file in the unknown format ${version}`,
  );
}

/** Four entries in the header, the others in blocks that follow it. */
async function oldMap(source: SparseSource): Promise<Unchecked> {
  const { block } = source.header;
  const { entries, sizeBytes, isExtended } = decodeSparseHeader(block);
  const extents = [...entries];
  let blocks = 0;
  for (let goesOn = isExtended; goesOn;) {
    checkMapBytes(source, ++blocks * BLOCK_BYTES);
    const extension = await source.bytes.read(BLOCK_BYTES);
    if (extension === undefined) throw badMap(source, 'no end');
    const more = decodeSparseEntries(extension);
    for (const extent of more.entries) extents.push(extent);
    goesOn = more.isExtended;
  }
  return { extents, sizeBytes, mapBytes: 0 };
}

function mapInRecords(source: SparseSource): Extent[] {
  const text = paxText(source.records, 'GNU.sparse.map') ?? '';
  const extents = extentsOf(source, text === '' ? [] : text.split(','));
  const stated = paxInteger(source.records, 'GNU.sparse.numblocks');
  if (stated !== undefined && stated !== extents.length)
    throw badMap(source, `${extents.length} parts, and states ${stated}`);
  return extents;
}

/** Lines of numbers before the content, padded to whole blocks: how many parts, then offset and size of each. */
async function mapInContent(source: SparseSource): Promise<{ extents: Extent[]; mapBytes: number }> {
  const numbers: string[] = [];
  let mapBytes = 0;
  let rest = '';
  let wanted = 1;
  while (numbers.length < wanted) {
    mapBytes += BLOCK_BYTES;
    checkMapBytes(source, mapBytes);
    const block = mapBytes <= source.storedBytes ? await source.bytes.read(BLOCK_BYTES) : undefined;
    if (block === undefined) throw badMap(source, 'no end');
    const lines = (rest + block.toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) numbers.push(line);
    if (rest.length > LONGEST_NUMBER && numbers.length < wanted)
      throw badMap(source, 'something that is not a number');
    if (wanted === 1 && numbers.length > 0) wanted = 1 + 2 * numberOf(source, numbers[0] ?? '');
  }
  return { extents: extentsOf(source, numbers.slice(1, wanted)), mapBytes };
}

const LONGEST_NUMBER = 20;

function extentsOf(source: SparseSource, numbers: readonly string[]): Extent[] {
  if (numbers.length % 2 !== 0) throw badMap(source, 'an offset without a size');
  const extents: Extent[] = [];
  for (let at = 0; at < numbers.length; at += 2) {
    extents.push({
      offset: numberOf(source, numbers[at] ?? ''),
      sizeBytes: numberOf(source, numbers[at + 1] ?? ''),
    });
  }
  return extents;
}

function numberOf(source: SparseSource, text: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw badMap(source, 'something that is not a number');
  return value;
}

function checkMapBytes(source: SparseSource, mapBytes: number): void {
  if (mapBytes <= source.limits.headerBytes) return;
  throw overLimit(
    `the map of the sparse file ${shown(source.name)} has at least ${mapBytes} bytes`,
    source.limits,
    'headerBytes',
  );
}

function badMap(source: SparseSource, has: string): Failure {
  return new Failure('layer-corrupt', `the map of the sparse file ${shown(source.name)} has ${has}`, {
    hint: 'build the image again, with tar without --sparse if need be',
  });
}
