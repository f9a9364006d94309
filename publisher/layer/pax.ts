import { Failure } from '../../core/failure.ts';

/** Records of an extended header, one character a byte, in the order written. */
export type PaxRecords = Map<string, string>;

/**
 * Decodes `LENGTH KEY=VALUE\n` records. The pairs of records of which a sparse file of the version 0.0 has one for each
 * part become the one record that version 0.1 has in their place.
 *
 * @see POSIX.1-2017, pax, "pax Extended Header"
 * @throws Failure `layer-corrupt` where a record's length does not lead to its end
 */
export function decodePax(bytes: Buffer): PaxRecords {
  const records: PaxRecords = new Map();
  const sparse: [key: string, value: string][] = [];
  let at = 0;
  while (at < bytes.length) {
    const space = bytes.indexOf(0x20, at);
    const length = space === -1 ? Number.NaN : Number(bytes.toString('latin1', at, space));
    const end = at + length;
    const equals = bytes.indexOf(0x3d, space);
    const sound = Number.isSafeInteger(length) && end <= bytes.length && equals > space && equals < end;
    if (!sound || bytes[end - 1] !== 0x0a) {
      throw new Failure('layer-corrupt', 'a PAX header holds a record whose length is wrong');
    }
    const key = bytes.toString('latin1', space + 1, equals);
    const value = bytes.toString('latin1', equals + 1, end - 1);
    if (key === SPARSE_OFFSET || key === SPARSE_SIZE) sparse.push([key, value]);
    else records.set(key, value);
    at = end;
  }
  if (sparse.length > 0) records.set('GNU.sparse.map', sparseMap(sparse));
  return records;
}

const SPARSE_OFFSET = 'GNU.sparse.offset';
const SPARSE_SIZE = 'GNU.sparse.numbytes';

function sparseMap(pairs: readonly (readonly [key: string, value: string])[]): string {
  const isOrdered = pairs.every(([key], index) => key === (index % 2 === 0 ? SPARSE_OFFSET : SPARSE_SIZE));
  if (!isOrdered) throw new Failure('layer-corrupt', 'offsets and sizes of a sparse file do not alternate');
  return pairs.map(([, value]) => value).join(',');
}

/** The text of a record; `undefined` where there is none, or an empty one, which takes back what was said before. */
export function paxText(records: PaxRecords, key: string): string | undefined {
  const value = records.get(key);
  return value === '' ? undefined : value;
}

/** As {@link paxNumber}, without a fraction. */
export function paxInteger(records: PaxRecords, key: string): number | undefined {
  const value = paxNumber(records, key);
  if (value === undefined || Number.isInteger(value)) return value;
  throw new Failure('layer-corrupt', `the PAX record ${key} is no whole number: ${value}`);
}

/** The number a record states, with a fraction where it has one; `undefined` where there is no such record. */
export function paxNumber(records: PaxRecords, key: string): number | undefined {
  const value = paxText(records, key);
  if (value === undefined) return undefined;
  if (!/^-?\d+(\.\d*)?$/.test(value) || Math.abs(Number(value)) > Number.MAX_SAFE_INTEGER) {
    throw new Failure(
      'layer-corrupt',
      `the PAX record ${key} is no number: ${JSON.stringify(value.slice(0, 40))}`,
    );
  }
  return Number(value);
}
