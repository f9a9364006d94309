import { strict as assert } from 'node:assert';
import { readQuota, type Quota } from '../../../core/http/rate-limit-fields.ts';

const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

type Fields = Readonly<Record<string, string>>;

const CASES: readonly (readonly [fields: Fields, quota: Partial<Quota> | undefined])[] = [
  [{}, undefined],
  [{ 'ratelimit-limit': '100;w=21600' }, undefined],
  [
    { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '0;w=21600' },
    { remaining: 0, limit: 100, windowS: 21_600 },
  ],
  [
    { 'ratelimit-limit': '200;w=21600', 'ratelimit-remaining': '76;w=21600' },
    { remaining: 76, limit: 200, windowS: 21_600 },
  ],
  [
    {
      'ratelimit-limit': '10, 10;w=1;burst=1000, 1000;w=60',
      'ratelimit-remaining': '0',
      'ratelimit-reset': '7',
    },
    { remaining: 0, limit: 10, windowS: 1, resetMs: 7000 },
  ],
  [
    { 'ratelimit-remaining': '5', 'ratelimit-reset': '0' },
    { remaining: 5, resetMs: 0 },
  ],
  [
    { 'ratelimit-remaining': '0', 'ratelimit-reset': String(NOW_MS / 1000 + 90) },
    { remaining: 0, resetMs: 90_000 },
  ],
  [
    { 'ratelimit-remaining': '0', 'ratelimit-reset': '1000000001' },
    { remaining: 0, resetMs: 0 },
  ],
  [{ 'ratelimit-remaining': '0', 'ratelimit-reset': 'soon' }, { remaining: 0 }],
  [{ 'ratelimit-remaining': '-1' }, undefined],
  [{ 'ratelimit-remaining': '0.5' }, undefined],
  [{ 'ratelimit-remaining': 'none' }, undefined],
  [{ ratelimit: '"default";r=50;t=30' }, { remaining: 50, resetMs: 30_000 }],
  [{ ratelimit: '"burst";r=0;t=2, "daily";r=0;t=600, "other";r=3;t=9' }, { remaining: 0, resetMs: 600_000 }],
  [{ ratelimit: 'limit=100, remaining=0, reset=50' }, { remaining: 0, limit: 100, resetMs: 50_000 }],
  [{ ratelimit: '"default";r=0' }, { remaining: 0 }],
  [{ ratelimit: 'nonsense' }, undefined],
  [
    { ratelimit: '"a";r=0;t=5', 'ratelimit-remaining': '9' },
    { remaining: 0, resetMs: 5000 },
  ],
];

describe('registry/http/rate-limit-fields', () => {
  for (const [fields, quota] of CASES) {
    it(`reads ${JSON.stringify(fields)}`, () => {
      const none = { limit: undefined, windowS: undefined, resetMs: undefined };
      assert.deepEqual(
        readQuota((name) => fields[name], NOW_MS),
        quota === undefined ? undefined : { ...none, ...quota },
      );
    });
  }
});
