import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { blobOf } from '../../support/images/blob.ts';
import { image, imageIndex } from '../../support/images/image.ts';
import type { Image } from '../../support/images/image.ts';
import { file } from '../../support/images/layer-entry.ts';
import { layer, layerInFile } from '../../support/images/layer.ts';
import { writeLayout } from '../../support/images/layout.ts';
import { serveImages } from '../../support/images/read-only-registry.ts';
import type { ReadOnlyRegistry } from '../../support/images/read-only-registry.ts';
import { ImageStore } from '../../support/images/store.ts';
import { needs } from '../../support/programs.ts';
import { temporaryDirectory } from '../../support/setup.ts';

const run = promisify(execFile);

const ERRORS = z.object({ errors: z.array(z.object({ code: z.string() })) });
const PAGE = z.object({ tags: z.array(z.string()) });
const INSPECTED = z.object({ Layers: z.array(z.string()) });

describe('support-tests/images/read-only-registry: the read-only registry for tests', () => {
  const store = new ImageStore();
  let registry: ReadOnlyRegistry;
  let first: Image;
  let large: Image;

  before(async () => {
    const base = await layer([file('a', '1')]);
    first = image({ layers: [base], config: { config: { Cmd: ['a'] } } });
    const second = image({ layers: [base, await layer([file('b', '2')])], flavour: 'docker' });
    const path = join(await temporaryDirectory('registry'), 'large');
    large = image({ layers: [await layerInFile(path, [file('random', randomBytes(1_000_000))])] });
    store.add('lab/app', first, '1.0');
    store.add('lab/app', second, '1.1');
    store.add('lab/large', large, 'latest');
    const platforms = imageIndex([
      { image: first, platform: { os: 'linux', architecture: 'amd64' } },
      { image: second, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
    ]);
    store.add('lab/multi', platforms, 'latest');
    registry = await serveImages(store);
  });

  after(() => registry.close());

  async function get(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`http://${registry.host}${path}`, init);
  }

  async function digestOf(tag: string): Promise<string | null> {
    const response = await get(`/v2/lab/moving/manifests/${tag}`);
    await response.arrayBuffer();
    return response.headers.get('docker-content-digest');
  }

  it('loses what no tag stands for when that is removed, and nothing else', async () => {
    const [kept, gone] = [first, image({ layers: [await layer([file('c', '3')])] })];
    store.add('lab/moved', gone, '1');
    store.add('lab/moved', imageIndex([{ image: kept }]), '1');
    store.removeUntagged('lab/moved');
    const statuses = [kept, gone].map(async ({ manifest, blobs }) => {
      const paths = [`manifests/${manifest.digest}`, ...blobs.map(({ digest }) => `blobs/${digest}`)];
      return await Promise.all(paths.map(async (path) => (await get(`/v2/lab/moved/${path}`)).status));
    });
    assert.deepEqual(await Promise.all(statuses), [
      [200, 200, 200],
      [404, 404, 404],
    ]);
  });

  it('answers the version check', async () => {
    const response = await get('/v2/');
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('docker-distribution-api-version'), 'registry/2.0');
  });

  it('serves manifests by tag and by digest, with their type and digest', async () => {
    for (const reference of ['1.0', first.manifest.digest, first.manifest.digest.replace(':', '%3A')]) {
      const response = await get(`/v2/lab/app/manifests/${reference}`);
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('content-type'), first.manifest.mediaType);
      assert.equal(response.headers.get('docker-content-digest'), first.manifest.digest);
      assert.deepEqual(Buffer.from(await response.arrayBuffer()), first.manifest.bytes);
    }
  });

  it('answers HEAD with the same headers and no body', async () => {
    const paths = [
      '/v2/lab/app/manifests/1.0',
      `/v2/lab/app/blobs/${first.layers[0]?.digest}`,
      '/v2/lab/app/tags/list',
    ];
    for (const path of [...paths, '/v2/lab/app/manifests/none']) {
      const [head, whole] = [await get(path, { method: 'HEAD' }), await get(path)];
      assert.equal(head.status, whole.status);
      for (const name of ['content-type', 'content-length', 'docker-content-digest']) {
        assert.equal(head.headers.get(name), whole.headers.get(name), name);
      }
      assert.equal(await head.text(), '');
      assert.notEqual(await whole.text(), '');
    }
  });

  it('serves every blob of every image, from memory and from files', async () => {
    for (const [repository, tag] of [
      ['lab/app', '1.0'],
      ['lab/app', '1.1'],
      ['lab/large', 'latest'],
    ] as const) {
      for (const blob of store.image(repository, tag)?.blobs ?? []) {
        const response = await get(`/v2/${repository}/blobs/${blob.digest}`);
        const bytes = Buffer.from(await response.arrayBuffer());
        assert.equal(blobOf('', bytes).digest, blob.digest);
        assert.equal(response.headers.get('content-length'), String(blob.size));
      }
    }
  });

  describe('ranges of a blob', () => {
    const cases: [range: string, status: number, expected?: [start: number, end: number]][] = [
      ['bytes=0-9', 206, [0, 10]],
      ['bytes=100-', 206, [100, Infinity]],
      ['bytes=-5', 206, [-5, Infinity]],
      ['bytes=10-99999999', 206, [10, Infinity]],
      ['bytes=-99999999', 206, [0, Infinity]],
      ['bytes=99999999-', 416],
      ['bytes=-0', 416],
      ['bytes=5-1', 200, [0, Infinity]],
      ['bytes=0-1,3-4', 200, [0, Infinity]],
      ['pages=1-2', 200, [0, Infinity]],
    ];
    for (const [range, status, expected] of cases) {
      it(`${range}: ${status}`, async () => {
        const digest = large.layers[0]?.digest ?? '';
        const whole = Buffer.from(await (await get(`/v2/lab/large/blobs/${digest}`)).arrayBuffer());
        const response = await get(`/v2/lab/large/blobs/${digest}`, { headers: { range } });
        const bytes = Buffer.from(await response.arrayBuffer());
        assert.equal(response.status, status);
        if (expected === undefined) {
          assert.equal(response.headers.get('content-range'), `bytes */${whole.length}`);
          return;
        }
        assert.deepEqual(bytes, whole.subarray(...expected));
        if (status === 206) {
          const start = (expected[0] + whole.length) % whole.length;
          const end = start + bytes.length - 1;
          assert.equal(response.headers.get('content-range'), `bytes ${start}-${end}/${whole.length}`);
        }
      });
    }
  });

  describe('what is not there', () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    const cases: [method: string, path: string, status: number, code: string][] = [
      ['GET', '/v2/none/manifests/1', 404, 'NAME_UNKNOWN'],
      ['GET', '/v2/none/tags/list', 404, 'NAME_UNKNOWN'],
      ['GET', `/v2/none/blobs/${digest}`, 404, 'NAME_UNKNOWN'],
      ['GET', '/v2/lab/app/manifests/none', 404, 'MANIFEST_UNKNOWN'],
      ['GET', `/v2/lab/app/manifests/${digest}`, 404, 'MANIFEST_UNKNOWN'],
      ['GET', `/v2/lab/app/blobs/${digest}`, 404, 'BLOB_UNKNOWN'],
      ['GET', '/v2/lab/app/tags/other', 404, 'UNSUPPORTED'],
      ['GET', '/other', 404, 'UNSUPPORTED'],
      ['GET', '/v2/lab/app/tags/list?n=x', 400, 'PAGINATION_NUMBER_INVALID'],
      ['PUT', '/v2/lab/app/manifests/1', 405, 'UNSUPPORTED'],
    ];
    for (const [method, path, status, code] of cases) {
      it(`${method} ${path}: ${status} ${code}`, async () => {
        const response = await get(path, { method });
        assert.equal(response.status, status);
        const { errors } = ERRORS.parse(await response.json());
        assert.deepEqual(
          errors.map((error) => error.code),
          [code],
        );
      });
    }
  });

  it('writes down every request', async () => {
    registry.requests.length = 0;
    await (await get('/v2/lab/app/tags/list?n=1', { method: 'HEAD' })).text();
    assert.deepEqual(registry.requests, ['HEAD /v2/lab/app/tags/list?n=1']);
  });

  it('shows tags that are added, moved and removed while it runs', async () => {
    store.add('lab/moving', first, 'a');
    assert.equal(await digestOf('a'), first.manifest.digest);
    store.add('lab/moving', large, 'a');
    store.add('lab/moving', first, 'b');
    assert.deepEqual(
      [await digestOf('a'), await digestOf('b')],
      [large.manifest.digest, first.manifest.digest],
    );
    store.removeTag('lab/moving', 'b');
    assert.equal(await digestOf('b'), null);
    assert.equal(await digestOf(first.manifest.digest), first.manifest.digest);
  });

  it('serves bytes that are not those of their digest where a test says so', async () => {
    const blob = blobOf('', Buffer.from('right'));
    store.addBlob('lab/app', { ...blob, bytes: Buffer.from('wrong') });
    assert.equal(await (await get(`/v2/lab/app/blobs/${blob.digest}`)).text(), 'wrong');
  });

  it('is read by skopeo, every blob verified', async function () {
    needs(this, 'skopeo');
    const folder = await temporaryDirectory('skopeo');
    for (const [name, tag] of [
      ['app', '1.0'],
      ['app', '1.1'],
      ['multi', 'latest'],
    ] as const) {
      const source = `docker://${registry.host}/lab/${name}:${tag}`;
      const inspect = await run('skopeo', ['inspect', '--tls-verify=false', source]);
      const { Layers } = INSPECTED.parse(JSON.parse(inspect.stdout));
      assert.ok(Layers.includes(first.layers[0]?.digest ?? ''));
      await run('skopeo', ['copy', '--src-tls-verify=false', source, `oci:${folder}:${name}-${tag}`]);
    }
  });

  it('writes layouts that skopeo reads', async function () {
    needs(this, 'skopeo');
    const [layout, copy] = [await temporaryDirectory('layout'), await temporaryDirectory('copy')];
    await writeLayout(store, 'lab/large', layout);
    await run('skopeo', ['copy', `oci:${layout}:latest`, `dir:${copy}`]);
  });
});

describe('support-tests/images/read-only-registry: tag lists of the read-only registry', () => {
  const store = new ImageStore();
  const tags = ['a', 'b', 'B', 'c', '1.10', '1.9'];

  before(async () => {
    const member = image({ layers: [await layer([])] });
    for (const tag of tags) store.add('lab/app', member, tag);
    store.add('untagged', member);
  });

  const cases: [what: string, query: string, maximum: number | undefined, pages: string[][]][] = [
    ['all at once', '', undefined, [['1.10', '1.9', 'B', 'a', 'b', 'c']]],
    [
      'in pages of two',
      '?n=2',
      undefined,
      [
        ['1.10', '1.9'],
        ['B', 'a'],
        ['b', 'c'],
      ],
    ],
    [
      'in pages of four',
      '?n=4',
      undefined,
      [
        ['1.10', '1.9', 'B', 'a'],
        ['b', 'c'],
      ],
    ],
    ['from a tag on', '?last=a', undefined, [['b', 'c']]],
    [
      'in pages that the registry keeps short',
      '?n=100',
      4,
      [
        ['1.10', '1.9', 'B', 'a'],
        ['b', 'c'],
      ],
    ],
    ['in pages that nobody asked for', '', 5, [['1.10', '1.9', 'B', 'a', 'b'], ['c']]],
    ['no more than none', '?n=0', undefined, [[]]],
  ];
  for (const [what, query, maximumPageSize, pages] of cases) {
    it(what, async () => {
      const registry = await serveImages(store, maximumPageSize === undefined ? {} : { maximumPageSize });
      try {
        assert.deepEqual(await pagesOf(registry, `/v2/lab/app/tags/list${query}`), pages);
      } finally {
        await registry.close();
      }
    });
  }

  it('of a repository that has digests alone are empty', async () => {
    const registry = await serveImages(store);
    try {
      assert.deepEqual(await pagesOf(registry, '/v2/untagged/tags/list'), [[]]);
    } finally {
      await registry.close();
    }
  });
});

async function pagesOf(registry: ReadOnlyRegistry, path: string): Promise<string[][]> {
  const pages: string[][] = [];
  for (let next: string | undefined = path; next !== undefined;) {
    const response: Response = await fetch(`http://${registry.host}${next}`);
    const { tags } = PAGE.parse(await response.json());
    pages.push(tags);
    next = /^<(.+)>; rel="next"$/.exec(response.headers.get('link') ?? '')?.[1];
  }
  return pages;
}
