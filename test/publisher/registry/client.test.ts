import { strict as assert } from 'node:assert';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RegistryClient } from '../../../publisher/registry/client.ts';
import { RangeRefused } from '../../../core/http/response.ts';
import { FaultServer } from '../../support/registry/fault-server.ts';
import { OCI_MANIFEST_TYPE, buildImage, describeBlob, plainLayer } from '../../support/registry/image.ts';
import { cut, instead, status } from '../../support/registry/faults.ts';
import { collect, failureOf, quickClient } from '../../support/registry/quick-client.ts';

const LAYER = plainLayer(Buffer.from('0123456789'));
const IMAGE = buildImage({ layers: [LAYER], config: { config: { Env: ['A=b'] } } });
const OTHER = buildImage({ layers: [], config: { architecture: 'arm64' } });
const WRONG_DIGEST = `sha256:${'0'.repeat(64)}` as const;

function indexOf(...entries: readonly object[]): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: entries,
  });
}

function entry(manifest: Buffer, platform: string, changes: object = {}): object {
  const [os, architecture] = platform.split('/');
  return { ...describeBlob(OCI_MANIFEST_TYPE, manifest), platform: { os, architecture }, ...changes };
}

describe('publisher/registry/client', () => {
  let server: FaultServer;
  let client: RegistryClient;

  beforeEach(async () => {
    server = await FaultServer.start();
    server.addImage('lab/tool', '1', IMAGE);
    server.addImage('lab/tool', 'other', OTHER);
    client = quickClient();
  });

  afterEach(async () => {
    await client.close();
    await server.close();
  });

  it('reads manifest, config and blob', async () => {
    const reference = server.reference('lab/tool', { tag: '1' });
    const manifest = await client.fetchManifest(reference);
    assert.deepEqual(manifest.bytes, IMAGE.manifest);
    assert.equal(manifest.digest, IMAGE.manifestDigest);
    assert.equal(manifest.mediaType, OCI_MANIFEST_TYPE);
    const config = await client.fetchConfig(reference, manifest);
    assert.deepEqual(config.diffIds, [LAYER.diffId]);
    assert.deepEqual(config.env, ['A=b']);
    const [layer] = manifest.layers;
    assert(layer !== undefined);
    assert.deepEqual(await collect(await client.openBlob(reference, layer)), LAYER.bytes);
  });

  it('says who asks, and for what', async () => {
    await client.fetchManifest(server.reference('lab/tool', { tag: '1' }));
    const [seen] = server.seen;
    const version = /"version": "([^"]+)"/.exec(await readFile('package.json', 'utf8'))?.[1];
    assert.notEqual(version, undefined);
    assert.equal(seen?.userAgent, `unpackd/${version}`);
    assert.equal(seen.authorization, undefined);
    for (const mediaType of [
      'oci.image.manifest.v1',
      'oci.image.index.v1',
      'manifest.v2',
      'manifest.list.v2',
    ]) {
      assert(seen.accept?.includes(mediaType), mediaType);
    }
  });

  it('asks by digest where there is one', async () => {
    const manifest = await client.fetchManifest(
      server.reference('lab/tool', { tag: 'gone', digest: IMAGE.manifestDigest }),
    );
    assert.equal(manifest.digest, IMAGE.manifestDigest);
    assert.deepEqual(server.paths, [`/v2/lab/tool/manifests/${IMAGE.manifestDigest}`]);
  });

  it('checks the pinned digest', async () => {
    server.fail(/manifests/, instead(IMAGE.manifest));
    const failure = await failureOf(
      client.fetchManifest(server.reference('lab/tool', { digest: WRONG_DIGEST })),
    );
    assert.equal(failure.code, 'digest-mismatch');
  });

  it('tries again when the digest was wrong once', async () => {
    server.fail(/manifests/, instead(OTHER.manifest), 1);
    const reference = server.reference('lab/tool', { digest: IMAGE.manifestDigest });
    assert.equal((await client.fetchManifest(reference)).digest, IMAGE.manifestDigest);
    assert.equal(server.seen.length, 2);
  });

  describe('from an offset on', () => {
    const descriptor = { mediaType: LAYER.mediaType, digest: LAYER.diffId, sizeBytes: LAYER.bytes.length };

    async function rest(): Promise<string> {
      const reference = server.reference('lab/tool', { tag: '1' });
      return (await collect(await client.openBlob(reference, descriptor, { offset: 7 }))).toString();
    }

    it('a blob is read', async () => {
      assert.equal(await rest(), '789');
      assert.equal(server.seen.at(-1)?.range, 'bytes=7-');
    });

    it('a blob is read also where the registry sends the whole', async () => {
      server.fail(/blobs/, instead(LAYER.bytes));
      assert.equal(await rest(), '789');
    });

    for (const [what, fault] of [
      ['416', status(416)],
      ['206 without a range', status(206)],
      ['206 with another range', status(206, { headers: { 'content-range': 'bytes 6-9/10' } })],
    ] as const) {
      it(`${what} is told apart, and not tried again`, async () => {
        server.fail(/blobs/, fault);
        const failure = await failureOf(rest());
        assert(failure instanceof RangeRefused);
        assert.equal(failure.code, 'registry-error');
        assert.equal(server.seen.length, 1);
      });
    }
  });

  describe('an index', () => {
    it('leads to linux/amd64, past attestations', async () => {
      const index = indexOf(
        entry(OTHER.manifest, 'linux/arm64'),
        entry(Buffer.from('attestation'), 'unknown/unknown'),
        entry(IMAGE.manifest, 'linux/amd64'),
      );
      const digest = server.addManifest('lab/tool', 'multi', index);
      for (const version of [{ tag: 'multi' }, { digest }]) {
        const manifest = await client.fetchManifest(server.reference('lab/tool', version));
        assert.equal(manifest.digest, IMAGE.manifestDigest);
      }
      const arm64 = { os: 'linux', architecture: 'arm64' };
      const manifest = await client.fetchManifest(server.reference('lab/tool', { tag: 'multi' }), arm64);
      assert.equal(manifest.digest, OTHER.manifestDigest);
    });

    it('says which platforms there are where ours is missing', async () => {
      server.addManifest(
        'lab/tool',
        'multi',
        indexOf(entry(OTHER.manifest, 'linux/arm64'), entry(OTHER.manifest, 'windows/amd64')),
      );
      const failure = await failureOf(client.fetchManifest(server.reference('lab/tool', { tag: 'multi' })));
      assert.equal(failure.code, 'platform-missing');
      assert.match(failure.message, /linux\/arm64, windows\/amd64/);
    });

    for (const [what, index, code] of [
      ['a wrong size', indexOf(entry(IMAGE.manifest, 'linux/amd64', { size: 1 })), 'digest-mismatch'],
      [
        'a size that is too large',
        indexOf(entry(IMAGE.manifest, 'linux/amd64', { size: 1e9 })),
        'manifest-invalid',
      ],
      [
        'a manifest that is not there',
        indexOf(entry(IMAGE.manifest, 'linux/amd64', { digest: WRONG_DIGEST })),
        'tag-unknown',
      ],
    ] as const) {
      it(`with ${what} is ${code}`, async () => {
        server.addManifest('lab/tool', 'multi', index);
        const failure = await failureOf(client.fetchManifest(server.reference('lab/tool', { tag: 'multi' })));
        assert.equal(failure.code, code);
      });
    }

    it('with a manifest that has another digest is digest-mismatch', async () => {
      server.addManifest('lab/tool', 'multi', indexOf(entry(IMAGE.manifest, 'linux/amd64')));
      const wrong = Buffer.from(IMAGE.manifest.toString().replace('2', '3'));
      server.fail(new RegExp(IMAGE.manifestDigest), instead(wrong));
      const failure = await failureOf(client.fetchManifest(server.reference('lab/tool', { tag: 'multi' })));
      assert.equal(failure.code, 'digest-mismatch');
    });

    it('that calls an index a manifest is invalid', async () => {
      const inner = Buffer.from(indexOf(entry(IMAGE.manifest, 'linux/amd64')));
      server.addManifest('lab/tool', 'inner', inner);
      server.addManifest('lab/tool', 'multi', indexOf(entry(inner, 'linux/amd64')));
      const failure = await failureOf(client.fetchManifest(server.reference('lab/tool', { tag: 'multi' })));
      assert.equal(failure.code, 'manifest-invalid');
    });
  });

  describe('a tag list', () => {
    it('has all pages, each tag once', async () => {
      server.tagPages.set('lab/tool', [['b', 'a'], [], ['a', 'c'], ['d']]);
      assert.deepEqual((await client.listTags(server.reference('lab/tool'))).tags, ['b', 'a', 'c', 'd']);
      assert.equal(server.seen.length, 4);
    });

    it('may be null, and link to an absolute address', async () => {
      const link = `<http://${server.host}/v2/lab/tool/tags/list?page=0>; rel="next"`;
      server.tagPages.set('lab/tool', [['a']]);
      server.fail(/n=1000/, instead('{"name":"lab/tool","tags":null}', { link }));
      assert.deepEqual((await client.listTags(server.reference('lab/tool'))).tags, ['a']);
    });

    it('goes on after 429 in the middle', async () => {
      server.tagPages.set('lab/tool', [['a'], ['b'], ['c']]);
      server.fail(/page=1/, status(429, { headers: { 'retry-after': '0' } }), 2);
      assert.deepEqual((await client.listTags(server.reference('lab/tool'))).tags, ['a', 'b', 'c']);
    });

    it('is not cut short by a page that fails', async () => {
      server.tagPages.set('lab/tool', [['a'], ['b']]);
      server.fail(/page=1/, cut);
      assert.equal((await failureOf(client.listTags(server.reference('lab/tool')))).code, 'registry-error');
    });
  });

  it('has only so many requests under way at once', async () => {
    await client.close();
    client = quickClient({ concurrency: 2 });
    let running = 0;
    let most = 0;
    server.fail(/manifests/, (response, content) => {
      running += 1;
      most = Math.max(most, running);
      setImmediate(() => {
        running -= 1;
        response.writeHead(200).end(content?.bytes);
      });
    });
    const reference = server.reference('lab/tool', { tag: '1' });
    await Promise.all(Array.from({ length: 20 }, () => client.fetchManifest(reference)));
    assert.equal(most, 2);
  });

  it('takes no more of a body than is asked for', async () => {
    const sizeBytes = 64 * 1024 * 1024;
    let sentBytes = 0;
    server.fail(/blobs/, (response) => {
      const piece = Buffer.alloc(64 * 1024);
      const more = (): void => {
        while (sentBytes < sizeBytes) {
          sentBytes += piece.length;
          if (!response.write(piece)) return;
        }
        response.end();
      };
      response.on('drain', more);
      more();
    });
    const body = await client.openBlob(server.reference('lab/tool'), {
      mediaType: LAYER.mediaType,
      digest: LAYER.diffId,
      sizeBytes,
    });
    for await (const chunk of body) {
      assert(chunk.length > 0);
      // Long enough for all of it to arrive, if nothing held it back.
      await sleep(300);
      break;
    }
    assert(sentBytes < sizeBytes / 2, `${sentBytes} bytes were sent`);
  });
});
