import assert from 'node:assert/strict';
import { BYTES, Column, DOUBLES, WORDS_32 } from '../../../publisher/packed/column.ts';

describe('publisher/packed/column', () => {
  const kinds = [
    ['bytes', BYTES, 0xff],
    ['words of 16 bits', (rows: number) => new Uint16Array(rows), 0xffff],
    ['words of 32 bits', WORDS_32, 0xffff_ffff],
    ['doubles', DOUBLES, -1.25],
  ] as const;
  for (const [what, kind, value] of kinds) {
    it(`keeps ${what}`, () => {
      const column = new Column(kind);
      for (const row of [0, 63, 64, 65_535, 65_536, 300_000]) {
        column.set(row, value);
        assert.equal(column.at(row), value, String(row));
      }
      for (const row of [0, 63, 64, 65_535, 65_536, 300_000])
        assert.equal(column.at(row), value, String(row));
    });
  }

  it('is 0 in rows that were never set', () => {
    const column = new Column(WORDS_32);
    assert.equal(column.at(0), 0);
    assert.equal(column.at(1_000_000), 0);
    column.set(200_000, 1);
    for (const row of [0, 65_536, 199_999, 200_001]) assert.equal(column.at(row), 0);
  });

  it('keeps what is set in any order', () => {
    const column = new Column(WORDS_32);
    const rows = Array.from({ length: 200_000 }, (_, index) => (index * 7919) % 200_000);
    for (const row of rows) column.set(row, row + 1);
    assert.ok(rows.every((row) => column.at(row) === row + 1));
  });
});
