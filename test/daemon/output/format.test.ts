import assert from 'node:assert/strict';
import { errorLine, formatBytes, formatDuration } from '../../../daemon/output/format.ts';

describe('lines for people', () => {
  const failures: readonly (readonly [line: string, expected: string])[] = [
    [
      errorLine('registry-error', ['x\ny: line 1\nline 2 \u001b[2J', 'a\tb']),
      'error[registry-error] x y: line 1 line 2; a b',
    ],
    [errorLine('usage', ['unknown option', '', undefined]), 'error[usage] unknown option'],
  ];
  for (const [line, expected] of failures) {
    it(`are ${JSON.stringify(expected)}`, () => assert.equal(line, expected));
  }

  const bytes = [
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [999_949, '999.9 kB'],
    [999_950, '1.0 MB'],
    [12_345_678, '12.3 MB'],
    [20 * 2 ** 30, '21.5 GB'],
    [5e18, '5000.0 PB'],
  ] as const;
  for (const [value, expected] of bytes) {
    it(`have ${value} bytes as ${expected}`, () => assert.equal(formatBytes(value), expected));
  }

  const durations = [
    [0, '0 ms'],
    [99, '99 ms'],
    [101, '0.1 s'],
    [1234, '1.2 s'],
    [75_000, '75 s'],
    [720_000, '12 min'],
  ] as const;
  for (const [value, expected] of durations) {
    it(`have ${value} ms as ${expected}`, () => assert.equal(formatDuration(value), expected));
  }
});
