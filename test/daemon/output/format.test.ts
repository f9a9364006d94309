import assert from 'node:assert/strict';
import { errorLine, formatDuration, relative, span, upcoming } from '../../../daemon/output/format.ts';
import { formatBytes } from '../../../core/text.ts';

describe('daemon/output/format: lines for people', () => {
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

const MINUTE = 60_000;

describe('daemon/output/format: times for people', () => {
  const spans: [ms: number, text: string][] = [
    [-5, '0 s'],
    [0, '0 s'],
    [1400, '1 s'],
    [119_000, '119 s'],
    [2 * MINUTE, '2 min'],
    [119 * MINUTE, '119 min'],
    [120 * MINUTE, '2 h'],
    [47 * 60 * MINUTE, '47 h'],
    [72 * 60 * MINUTE, '3 d'],
  ];
  for (const [ms, text] of spans) it(`shows ${ms} ms as ${text}`, () => assert.equal(span(ms), text));

  it('shows what was and what will be', () => {
    assert.equal(relative(0, 5 * MINUTE), '5 min ago');
    assert.equal(relative(5 * MINUTE, 0), 'in 5 min');
  });

  it('shows what is late as due now', () => {
    assert.equal(upcoming(5 * MINUTE, 0), 'in 5 min');
    assert.equal(upcoming(0, 0), 'now');
    assert.equal(upcoming(0, 103_000), 'now');
  });
});
