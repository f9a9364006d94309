import assert from 'node:assert/strict';
import { relative, span, upcoming } from '../../../daemon/output/times.ts';

const MINUTE = 60_000;

describe('times for people', () => {
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
