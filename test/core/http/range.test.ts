import { strict as assert } from 'node:assert';
import { isRangeOf, withoutFirst } from '../../../core/http/range.ts';
import { collect } from '../../support/registry/quick-client.ts';

/** What `Content-Range` may say for the bytes from 70 on of a blob of 100 bytes. */
const FIELDS: readonly (readonly [field: string | undefined, isRight: boolean])[] = [
  ['bytes 70-99/100', true],
  ['bytes 70-99/*', true],
  ['Bytes 70-99/100', true],
  [undefined, false],
  ['', false],
  ['bytes 0-99/100', false],
  ['bytes 71-99/100', false],
  ['bytes 70-98/100', false],
  ['bytes 70-99/101', false],
  ['bytes 70-100/101', false],
  ['bytes 70-100/*', false],
  ['bytes */100', false],
  ['items 70-99/100', false],
  ['bytes 70-99/100, bytes 70-99/100', false],
];

describe('registry/range', () => {
  for (const [field, isRight] of FIELDS) {
    it(`${field} is ${isRight ? 'the range' : 'another'}`, () => {
      assert.equal(isRangeOf(field, 70, 100), isRight);
    });
  }

  for (const [bytes, rest] of [
    [0, '0123456789'],
    [2, '23456789'],
    [3, '3456789'],
    [5, '56789'],
    [10, ''],
    [11, ''],
  ] as const) {
    it(`leaves out the first ${bytes} bytes, however they are cut`, async () => {
      assert.equal((await collect(withoutFirst(pieces(), bytes))).toString(), rest);
    });
  }
});

async function* pieces(): AsyncGenerator<Uint8Array> {
  for (const piece of ['012', '', '34', '56789']) yield await Promise.resolve(Buffer.from(piece));
}
