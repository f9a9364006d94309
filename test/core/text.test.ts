import assert from 'node:assert/strict';
import { counted, localTime, localTimeWithSeconds, exactSize, nearest } from '../../core/text.ts';

describe('core/text: counted', () => {
  it('has the plural for all numbers but one', () => {
    assert.deepEqual(
      [0, 1, 2, 1_000_000].map((count) => counted(count, 'image')),
      ['0 images', '1 image', '2 images', '1000000 images'],
    );
  });

  it('takes a plural of its own', () => {
    assert.equal(counted(1, 'try', 'tries'), '1 try');
    assert.equal(counted(3, 'try', 'tries'), '3 tries');
  });
});

describe('core/text: a time for people', () => {
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

describe('core/text: a size as it is configured', () => {
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

const KEYS = ['root', 'state', 'skip-flat', 'skip-layers', 'batch-size'];

describe('core/text: the nearest word', () => {
  const cases = [
    ['rot', 'root'],
    ['stat', 'state'],
    ['skip_flat', 'skip-flat'],
    ['batchsize', 'batch-size'],
    ['orot', 'root'],
    ['root', 'root'],
    ['', undefined],
    ['x', undefined],
    ['schedule', undefined],
  ] as const;
  const swapped = [
    ['wiat', 'wait'],
    ['newset', 'newest'],
  ] as const;
  for (const [word, expected] of swapped) {
    it(`of "${word}", where letters are swapped, is ${expected}`, () =>
      assert.equal(nearest(word, ['wait', 'newest']), expected));
  }

  for (const [word, expected] of cases) {
    it(`of "${word}" is ${String(expected)}`, () => assert.equal(nearest(word, KEYS), expected));
  }
});
