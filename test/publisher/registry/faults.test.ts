import { strict as assert } from 'node:assert';
import type { RegistryClient } from '../../../publisher/registry/client.ts';
import type { RegistryOptions } from '../../../publisher/registry/options.ts';
import type { FailureCode } from '../../../core/failure.ts';
import { FaultServer } from '../../support/registry/fault-server.ts';
import {
  cut,
  drip,
  drop,
  endless,
  garbage,
  instead,
  shortened,
  silence,
  stall,
  status,
  wrongBytes,
  type Fault,
} from '../../support/registry/faults.ts';
import { buildImage, plainLayer } from '../../support/registry/image.ts';
import { collect, failureOf, quickClient } from '../../support/registry/quick-client.ts';

const IMAGE = buildImage({ layers: [plainLayer(Buffer.alloc(100_000, 'layer'))] });
const SHORT: Partial<RegistryOptions> = { headersTimeoutMs: 100, bodyTimeoutMs: 100 };
const TOO_LARGE = Buffer.alloc(4 * 1024 * 1024 + 1, ' ');

type Kind = 'manifests' | 'tags' | 'blobs';

/** `requests` counts all that arrived; by default there are four tries. */
interface Case {
  readonly what: string;
  readonly kind: Kind;
  readonly fault: Fault;
  /** How often the fault happens; always where it is left out. */
  readonly times?: number;
  readonly options?: Partial<RegistryOptions>;
  readonly code: FailureCode | 'good';
  readonly requests: number;
}

const CASES: readonly Case[] = [
  { what: 'nothing', kind: 'manifests', fault: drop, times: 0, code: 'good', requests: 1 },
  { what: '401 without challenge', kind: 'manifests', fault: status(401), code: 'unauthorized', requests: 1 },
  {
    what: '401 with a foreign scheme',
    kind: 'manifests',
    fault: status(401, { headers: { 'www-authenticate': 'Negotiate' } }),
    code: 'unauthorized',
    requests: 1,
  },
  {
    what: '403',
    kind: 'manifests',
    fault: status(403, { code: 'DENIED' }),
    code: 'forbidden',
    requests: 1,
  },
  { what: '403', kind: 'tags', fault: status(403), code: 'forbidden', requests: 1 },
  { what: '403', kind: 'blobs', fault: status(403), code: 'forbidden', requests: 1 },
  { what: '404', kind: 'manifests', fault: status(404), code: 'tag-unknown', requests: 1 },
  {
    what: '404 MANIFEST_UNKNOWN',
    kind: 'manifests',
    fault: status(404, { code: 'MANIFEST_UNKNOWN' }),
    code: 'tag-unknown',
    requests: 1,
  },
  {
    what: '404 NAME_UNKNOWN',
    kind: 'manifests',
    fault: status(404, { code: 'NAME_UNKNOWN' }),
    code: 'image-unknown',
    requests: 1,
  },
  { what: '404', kind: 'tags', fault: status(404), code: 'image-unknown', requests: 1 },
  { what: '404', kind: 'blobs', fault: status(404), code: 'blob-unknown', requests: 1 },
  { what: '400', kind: 'manifests', fault: status(400), code: 'registry-error', requests: 1 },
  { what: '429', kind: 'manifests', fault: status(429), code: 'rate-limited', requests: 4 },
  {
    what: '429 with a short Retry-After',
    kind: 'tags',
    fault: status(429, { headers: { 'retry-after': '0' } }),
    times: 3,
    code: 'good',
    requests: 4,
  },
  {
    what: '429 with a long Retry-After',
    kind: 'manifests',
    fault: status(429, { headers: { 'retry-after': '61' } }),
    code: 'rate-limited',
    requests: 1,
  },
  { what: '500', kind: 'manifests', fault: status(500), code: 'registry-error', requests: 4 },
  { what: '500', kind: 'tags', fault: status(500), code: 'registry-error', requests: 4 },
  { what: '500', kind: 'blobs', fault: status(500), code: 'registry-error', requests: 4 },
  {
    what: '500 with two tries',
    kind: 'blobs',
    fault: status(500),
    options: { tries: 2 },
    code: 'registry-error',
    requests: 2,
  },
  { what: '503, then well', kind: 'manifests', fault: status(503), times: 2, code: 'good', requests: 3 },
  { what: '503, then well', kind: 'blobs', fault: status(503), times: 3, code: 'good', requests: 4 },
  {
    what: '503 with a long Retry-After',
    kind: 'tags',
    fault: status(503, { headers: { 'retry-after': '3600' } }),
    times: 1,
    code: 'registry-error',
    requests: 1,
  },
  { what: '408, then well', kind: 'tags', fault: status(408), times: 1, code: 'good', requests: 2 },
  { what: '425, then well', kind: 'blobs', fault: status(425), times: 1, code: 'good', requests: 2 },
  { what: '501', kind: 'tags', fault: status(501), code: 'registry-error', requests: 1 },
  { what: '505', kind: 'manifests', fault: status(505), code: 'registry-error', requests: 1 },
  { what: '504, then well', kind: 'manifests', fault: status(504), times: 1, code: 'good', requests: 2 },
  {
    what: '429 of a used up quota, as Docker Hub answers',
    kind: 'manifests',
    fault: status(429, {
      code: 'TOOMANYREQUESTS',
      headers: { 'RateLimit-Limit': '100;w=21600', 'RateLimit-Remaining': '0;w=21600' },
    }),
    code: 'rate-limited',
    requests: 1,
  },
  { what: 'connection closed', kind: 'manifests', fault: drop, code: 'registry-unreachable', requests: 4 },
  {
    what: 'connection closed, then well',
    kind: 'manifests',
    fault: drop,
    times: 1,
    code: 'good',
    requests: 2,
  },
  { what: 'no HTTP', kind: 'tags', fault: garbage, code: 'registry-error', requests: 4 },
  {
    what: 'no answer',
    kind: 'manifests',
    fault: silence,
    options: { ...SHORT, tries: 2 },
    code: 'registry-timeout',
    requests: 2,
  },
  {
    what: 'no answer, then well',
    kind: 'blobs',
    fault: silence,
    times: 1,
    options: { headersTimeoutMs: 2000 },
    code: 'good',
    requests: 2,
  },
  { what: 'body cut', kind: 'manifests', fault: cut, code: 'registry-error', requests: 4 },
  { what: 'body cut, then well', kind: 'tags', fault: cut, times: 1, code: 'good', requests: 2 },
  {
    what: 'body stalled',
    kind: 'manifests',
    fault: stall,
    options: { ...SHORT, tries: 2 },
    code: 'registry-timeout',
    requests: 2,
  },
  { what: 'body cut (not tried again here)', kind: 'blobs', fault: cut, code: 'registry-error', requests: 1 },
  {
    what: 'body stalled (not tried again here)',
    kind: 'blobs',
    fault: stall,
    options: SHORT,
    code: 'registry-timeout',
    requests: 1,
  },
  {
    what: 'body drips',
    kind: 'manifests',
    fault: drip(),
    options: { requestTimeoutMs: 1500, tries: 2 },
    code: 'registry-timeout',
    requests: 2,
  },
  {
    what: 'body drips, then well',
    kind: 'tags',
    fault: drip(),
    times: 1,
    options: { requestTimeoutMs: 5000 },
    code: 'good',
    requests: 2,
  },
  {
    what: 'body drips (not tried again here)',
    kind: 'blobs',
    fault: drip(),
    options: { bodyTimeoutMs: 200 },
    code: 'registry-timeout',
    requests: 1,
  },
  {
    what: '404 with a body that drips',
    kind: 'manifests',
    fault: drip(404),
    options: { requestTimeoutMs: 5000 },
    code: 'tag-unknown',
    requests: 1,
  },
  {
    what: '404 with a body that drips',
    kind: 'blobs',
    fault: drip(404),
    options: { requestTimeoutMs: 5000 },
    code: 'blob-unknown',
    requests: 1,
  },
  {
    what: 'a redirect with a body that drips',
    kind: 'manifests',
    fault: drip(307, { location: '/v2/elsewhere' }),
    options: { requestTimeoutMs: 1500, tries: 2 },
    code: 'registry-timeout',
    requests: 2,
  },
  {
    what: 'wrong bytes against Docker-Content-Digest',
    kind: 'manifests',
    fault: instead(IMAGE.manifest, { 'docker-content-digest': `sha256:${'0'.repeat(64)}` }),
    code: 'digest-mismatch',
    requests: 4,
  },
  {
    what: 'a manifest that is no JSON',
    kind: 'manifests',
    fault: wrongBytes,
    code: 'manifest-invalid',
    requests: 1,
  },
  {
    what: 'a manifest that is too large',
    kind: 'manifests',
    fault: instead(TOO_LARGE),
    code: 'manifest-invalid',
    requests: 1,
  },
  { what: 'an endless manifest', kind: 'manifests', fault: endless, code: 'manifest-invalid', requests: 1 },
  {
    what: 'a page that is no JSON',
    kind: 'tags',
    fault: instead('<html>'),
    code: 'registry-error',
    requests: 1,
  },
  {
    what: 'a page that is no tag list',
    kind: 'tags',
    fault: instead('{"tags":[1]}'),
    code: 'registry-error',
    requests: 1,
  },
  {
    what: 'a page that is too large',
    kind: 'tags',
    fault: instead(TOO_LARGE),
    code: 'registry-error',
    requests: 1,
  },
  {
    what: 'a link whose path is of nothing',
    kind: 'tags',
    fault: instead('{"tags":["a"]}', { link: '<http://other.example/x>; rel="next"' }),
    code: 'registry-error',
    requests: 2,
  },
  {
    what: 'a link to itself',
    kind: 'tags',
    fault: instead('{"tags":["a"]}', { link: '<?n=1000>; rel="next"' }),
    code: 'registry-error',
    requests: 1,
  },
  {
    what: 'the same tags at another address',
    kind: 'tags',
    fault: instead('{"tags":["a"]}', { link: '<?again>; rel="next"' }),
    code: 'registry-error',
    requests: 2,
  },
  {
    what: 'empty pages in a circle',
    kind: 'tags',
    fault: instead('{"tags":[]}', { link: '<?again>; rel="next"' }),
    code: 'registry-error',
    requests: 2,
  },
];

/** Reads a manifest by tag, the tags, or the layer, with a client of its own. */
async function readAll(client: RegistryClient, server: FaultServer, kind: Kind): Promise<unknown> {
  const reference = server.reference('lab/tool', { tag: '1' });
  if (kind === 'tags') return await client.listTags(reference);
  if (kind === 'manifests') return await client.fetchManifest(reference);
  const digest = [...IMAGE.blobs.keys()].at(-1) ?? IMAGE.configDigest;
  return await collect(await client.openBlob(reference, { mediaType: 'x', digest, sizeBytes: 100_000 }));
}

describe('publisher/registry/faults', () => {
  let server: FaultServer;
  let client: RegistryClient | undefined;

  beforeEach(async () => {
    server = await FaultServer.start();
    server.addImage('lab/tool', '1', IMAGE);
    server.tagPages.set('lab/tool', [['1', '2']]);
  });

  afterEach(async () => {
    await client?.close();
    await server.close();
  });

  for (const { what, kind, fault, times, options, code, requests } of CASES) {
    it(`${kind}: ${what} is ${code} after ${requests} requests`, async () => {
      server.fail(new RegExp(`/${kind}/`), fault, times);
      client = quickClient(options);
      const reading = readAll(client, server, kind);
      if (code === 'good') await reading;
      else {
        const failure = await failureOf(reading);
        assert.equal(failure.code, code, failure.message);
        assert(failure.message.includes(server.host), failure.message);
        assert(failure.message.includes('lab/tool'), failure.message);
        assert.notEqual(failure.hint, undefined);
      }
      assert.equal(server.seen.length, requests);
    });
  }

  const CONFIGS: readonly (readonly [what: string, fault: Fault, code: FailureCode, requests: number])[] = [
    ['wrong bytes', wrongBytes, 'digest-mismatch', 4],
    ['a shorter body', shortened, 'digest-mismatch', 4],
    ['a cut body', cut, 'registry-error', 4],
    ['an endless body', endless, 'manifest-invalid', 1],
    ['a body over 1 MiB', instead(TOO_LARGE.subarray(0, 1024 * 1024 + 1)), 'manifest-invalid', 1],
  ];

  for (const [what, fault, code, requests] of CONFIGS) {
    it(`config: ${what} is ${code} after ${requests} requests`, async () => {
      client = quickClient();
      const reference = server.reference('lab/tool', { tag: '1' });
      const manifest = await client.fetchManifest(reference);
      server.seen.length = 0;
      server.fail(/\/blobs\//, fault);
      assert.equal((await failureOf(client.fetchConfig(reference, manifest))).code, code);
      assert.equal(server.seen.length, requests);
    });
  }
});
