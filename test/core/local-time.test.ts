import assert from 'node:assert/strict';
import { localTime, localTimeWithSeconds } from '../../core/local-time.ts';

describe('a time for people', () => {
  const { TZ } = process.env;
  afterEach(() => {
    process.env['TZ'] = TZ;
  });

  const zones: [zone: string, winter: string, summer: string][] = [
    ['UTC', '2026-01-05 03:04 +00:00', '2026-07-05 03:04 +00:00'],
    ['Europe/Zurich', '2026-01-05 04:04 +01:00', '2026-07-05 05:04 +02:00'],
    ['America/St_Johns', '2026-01-04 23:34 -03:30', '2026-07-05 00:34 -02:30'],
    ['Asia/Kathmandu', '2026-01-05 08:49 +05:45', '2026-07-05 08:49 +05:45'],
  ];
  for (const [zone, winter, summer] of zones) {
    it(`has its distance from UTC: ${zone}`, () => {
      process.env['TZ'] = zone;
      assert.equal(localTime('2026-01-05T03:04:59.9Z'), winter);
      assert.equal(localTime(Date.UTC(2026, 6, 5, 3, 4)), summer);
    });
  }

  it('may have seconds', () => {
    process.env['TZ'] = 'Europe/Zurich';
    assert.equal(localTimeWithSeconds('2026-01-05T03:04:09+00:00'), '2026-01-05 04:04:09 +01:00');
  });

  it('may be none', () => {
    for (const time of [Number.NaN, 1e20, '', 'soon']) assert.equal(localTime(time), 'an unknown time');
  });
});
