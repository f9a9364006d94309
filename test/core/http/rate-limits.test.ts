import { strict as assert } from 'node:assert';
import { Failure } from '../../../core/failure.ts';
import { RateLimits, readQuota, type Quota } from '../../../core/http/rate-limits.ts';
import { aboutImage } from '../../../publisher/registry/error-response.ts';
import type { ImageSubject } from '../../../core/oci/reference.ts';
import type { RegistryClient } from '../../../publisher/registry/client.ts';
import { FaultServer } from '../../support/registry/fault-server.ts';
import { status } from '../../support/registry/faults.ts';
import { buildImage, plainLayer } from '../../support/registry/image.ts';
import { collect, failureOf, quickClient } from '../../support/registry/quick-client.ts';

const REFERENCE = {
  scheme: 'https',
  registry: 'r.example',
  repository: 'lab/tool',
  tag: '1',
  digest: undefined,
} as const;

type Fields = Readonly<Record<string, string>>;

/** What becomes of a request after an answer: sent, refused, or sent after so long (in ms). */
type Outcome = 'sent' | 'refused' | number;

const DOCKER = { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '0;w=21600' };

const CASES: readonly {
  readonly answer: readonly [status: number, fields: Fields];
  readonly manifest: Outcome;
  readonly blob: Outcome;
  /** How much later the requests come. */
  readonly laterMs?: number;
}[] = [
  { answer: [200, {}], manifest: 'sent', blob: 'sent' },
  { answer: [429, {}], manifest: 'sent', blob: 'sent' },
  { answer: [429, { 'retry-after': '0' }], manifest: 'sent', blob: 'sent' },
  { answer: [429, { 'retry-after': '60' }], manifest: 60_000, blob: 60_000 },
  { answer: [429, { 'retry-after': '61' }], manifest: 'refused', blob: 'refused' },
  { answer: [503, { 'retry-after': '61' }], manifest: 'refused', blob: 'refused' },
  { answer: [429, { 'retry-after': '61' }], laterMs: 1000, manifest: 60_000, blob: 60_000 },
  { answer: [429, { 'retry-after': '61' }], laterMs: 61_000, manifest: 'sent', blob: 'sent' },
  { answer: [429, { 'retry-after': '999999999' }], laterMs: 86_400_000, manifest: 'sent', blob: 'sent' },
  { answer: [500, { 'retry-after': '61' }], manifest: 'sent', blob: 'sent' },
  { answer: [200, { 'retry-after': '61' }], manifest: 'sent', blob: 'sent' },
  { answer: [200, DOCKER], manifest: 'refused', blob: 'sent' },
  { answer: [429, DOCKER], manifest: 'refused', blob: 'sent' },
  { answer: [429, { ...DOCKER, 'retry-after': '61' }], manifest: 'refused', blob: 'refused' },
  { answer: [200, DOCKER], laterMs: 5000, manifest: 'sent', blob: 'sent' },
  { answer: [200, { ...DOCKER, 'ratelimit-remaining': '1;w=21600' }], manifest: 'sent', blob: 'sent' },
  { answer: [200, { ...DOCKER, 'ratelimit-reset': '30' }], manifest: 30_000, blob: 30_000 },
  { answer: [200, { ...DOCKER, 'ratelimit-reset': '90' }], manifest: 'refused', blob: 'refused' },
  { answer: [200, { ratelimit: '"default";r=0;t=30' }], manifest: 30_000, blob: 30_000 },
];

describe('core/http/rate-limits', () => {
  let nowMs: number;
  let limits: RateLimits;

  beforeEach(() => {
    nowMs = 1_000_000;
    limits = new RateLimits(5000, () => nowMs);
  });

  function learn(statusCode: number, fields: Fields): void {
    limits.learn('https://r.example', { status: statusCode, header: (name) => fields[name] });
  }

  function ask(kind: ImageSubject['kind'], method = 'GET', waitedMs = 0): Outcome {
    const url = new URL('https://r.example/v2/x');
    try {
      return (
        limits.waitOf({ method, url, subject: aboutImage({ kind, reference: REFERENCE }) }, waitedMs) ||
        'sent'
      );
    } catch (error) {
      assert(error instanceof Failure && error.code === 'rate-limited', String(error));
      assert.match(error.message, /r\.example.*until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+00:00/);
      return 'refused';
    }
  }

  for (const { answer, laterMs = 0, manifest, blob } of CASES) {
    it(`after ${JSON.stringify(answer)}, ${laterMs} ms later: ${manifest}, a blob: ${blob}`, () => {
      learn(...answer);
      nowMs += laterMs;
      assert.deepEqual([ask('manifest'), ask('blob')], [manifest, blob]);
    });
  }

  it('lets a HEAD of a manifest go on where only pulls count', () => {
    learn(200, DOCKER);
    assert.deepEqual([ask('manifest', 'HEAD'), ask('manifest')], ['sent', 'refused']);
  });

  it('says what is used up', () => {
    learn(200, DOCKER);
    const url = new URL('https://r.example/v2/x');
    assert.throws(
      () =>
        limits.waitOf(
          { method: 'GET', url, subject: aboutImage({ kind: 'manifest', reference: REFERENCE }) },
          0,
        ),
      /100 in 21600 s/,
    );
  });

  it('forgets a used up quota as soon as there is more', () => {
    learn(200, DOCKER);
    learn(200, { ...DOCKER, 'ratelimit-remaining': '3;w=21600' });
    assert.equal(ask('manifest'), 'sent');
  });

  it('keeps the longer of two times', () => {
    learn(429, { 'retry-after': '50' });
    learn(429, { 'retry-after': '10' });
    assert.equal(ask('blob'), 50_000);
  });

  it('lets nobody wait for more than a minute altogether', () => {
    learn(429, { 'retry-after': '30' });
    assert.deepEqual([ask('blob', 'GET', 30_000), ask('blob', 'GET', 30_001)], [30_000, 'refused']);
  });

  it('keeps servers apart', () => {
    limits.learn('https://other.example', { status: 429, header: () => '61' });
    assert.equal(ask('manifest'), 'sent');
  });

  describe('in the client', () => {
    const LAYER = plainLayer(Buffer.from('layer'));
    let server: FaultServer;
    let client: RegistryClient;

    beforeEach(async () => {
      server = await FaultServer.start();
      server.addImage('lab/tool', '1', buildImage({ layers: [LAYER] }));
      server.tagPages.set('lab/tool', [['1']]);
      client = quickClient();
    });

    afterEach(async () => {
      await client.close();
      await server.close();
    });

    it('does not ask again before the time that the server named', async () => {
      server.fail(/tags/, status(429, { headers: { 'retry-after': '3600' } }), 1);
      const reference = server.reference('lab/tool', { tag: '1' });
      for (const work of [() => client.listTags(reference), () => client.fetchManifest(reference)]) {
        assert.equal((await failureOf(work())).code, 'rate-limited');
      }
      assert.equal(server.seen.length, 1);
    });

    it('lets the other requests wait for a short time too', async () => {
      server.fail(/tags/, status(429, { headers: { 'retry-after': '1' } }), 1);
      const reference = server.reference('lab/tool', { tag: '1' });
      await client.close();
      client = quickClient({ tries: 1 });
      const beganMs = performance.now();
      assert.equal((await failureOf(client.listTags(reference))).code, 'rate-limited');
      await client.fetchManifest(reference);
      // Nothing else in it takes as long.
      assert(performance.now() - beganMs > 900, 'it did not wait');
    });

    it('fetches blobs while no manifests are given out', async () => {
      server.fail(/manifests/, status(429, { headers: DOCKER }));
      const reference = server.reference('lab/tool', { tag: '1' });
      assert.equal((await failureOf(client.fetchManifest(reference))).code, 'rate-limited');
      assert.equal((await failureOf(client.fetchManifest(reference))).code, 'rate-limited');
      const descriptor = { mediaType: 'x', digest: LAYER.diffId, sizeBytes: 5 };
      assert.equal((await collect(await client.openBlob(reference, descriptor))).toString(), 'layer');
      assert.equal(server.seen.length, 2);
    });
  });
});

const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

const QUOTAS: readonly (readonly [fields: Fields, quota: Partial<Quota> | undefined])[] = [
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

describe('core/http/rate-limits', () => {
  for (const [fields, quota] of QUOTAS) {
    it(`reads ${JSON.stringify(fields)}`, () => {
      const none = { limit: undefined, windowS: undefined, resetMs: undefined };
      assert.deepEqual(
        readQuota((name) => fields[name], NOW_MS),
        quota === undefined ? undefined : { ...none, ...quota },
      );
    });
  }
});
