import assert from 'node:assert/strict';
import { exactSize } from '../../core/byte-size.ts';

describe('a size as it is configured', () => {
  const cases: [bytes: number, text: string][] = [
    [1, '1B'],
    [1000, '1kB'],
    [1024, '1KiB'],
    [20 * 2 ** 30, '20GiB'],
    [500e6, '500MB'],
    [2 ** 30 + 1, '1073741825B'],
    [1.5 * 2 ** 40, '1536GiB'],
  ];
  for (const [bytes, text] of cases)
    it(`has ${bytes} bytes as ${text}`, () => assert.equal(exactSize(bytes), text));
});
