import { strict as assert } from 'node:assert';
import type { RegistryClient } from '../../../publisher/registry/client.ts';
import { DEFAULT_OPTIONS } from '../../../publisher/registry/options.ts';
import { aboutImage } from '../../../publisher/registry/error-response.ts';
import { followRedirects } from '../../../core/http/redirects.ts';
import { Connections, type Exchange } from '../../../core/http/connections.ts';
import { TimeLimit } from '../../../core/http/time-limit.ts';
import { FaultServer } from '../../support/registry/fault-server.ts';
import { redirect, status } from '../../support/registry/faults.ts';
import { buildImage, plainLayer } from '../../support/registry/image.ts';
import { collect, failureOf, quickClient } from '../../support/registry/quick-client.ts';
import { TokenService } from '../../support/registry/token-service.ts';

const LAYER = plainLayer(Buffer.from('layer'));
const DESCRIPTOR = { mediaType: LAYER.mediaType, digest: LAYER.diffId, sizeBytes: LAYER.bytes.length };

describe('core/http/redirects', () => {
  let registry: FaultServer;
  let storage: FaultServer;
  let client: RegistryClient;

  beforeEach(async () => {
    registry = await FaultServer.start();
    storage = await FaultServer.start();
    registry.addImage('lab/tool', '1', buildImage({ layers: [LAYER] }));
    storage.fail(/^\/stored/, (response) => response.end(LAYER.bytes));
    client = quickClient();
  });

  afterEach(async () => {
    await client.close();
    await registry.close();
    await storage.close();
  });

  async function readBlob(): Promise<string> {
    return (await collect(await client.openBlob(registry.reference('lab/tool'), DESCRIPTOR))).toString();
  }

  for (const code of [301, 302, 303, 307, 308]) {
    it(`follows ${code} to another origin without the token`, async () => {
      const tokens = new TokenService(registry);
      registry.fail(/blobs/, redirect(`http://${storage.host}/stored?signature=x`, code));
      assert.equal(await readBlob(), 'layer');
      assert.match(registry.seen.at(-1)?.authorization ?? '', /^Bearer /);
      assert.deepEqual(
        storage.seen.map(({ url, authorization }) => [url, authorization]),
        [['/stored?signature=x', undefined]],
      );
      tokens.revoke();
    });
  }

  it('follows relative addresses, with the token', async () => {
    const tokens = new TokenService(registry);
    registry.fail(/v2\/lab\/tool\/blobs/, redirect('/v2/moved/blobs/x'));
    registry.fail(/moved/, (response) => response.end('moved'));
    assert.equal(await readBlob(), 'moved');
    assert.match(registry.seen.at(-1)?.authorization ?? '', /^Bearer /);
    tokens.revoke();
  });

  it('does not answer a challenge of another origin', async () => {
    registry.fail(/blobs/, redirect(`http://${storage.host}/locked`));
    storage.fail(
      /locked/,
      status(401, { headers: { 'www-authenticate': `Bearer realm="http://${storage.host}/token"` } }),
    );
    assert.equal((await failureOf(readBlob())).code, 'unauthorized');
    assert.deepEqual(storage.paths, ['/locked']);
  });

  it('asks again from the start when the other origin fails', async () => {
    registry.fail(/blobs/, redirect(`http://${storage.host}/flaky`));
    storage.fail(/flaky/, status(503), 1);
    storage.fail(/flaky/, (response) => response.end('well'));
    assert.equal(await readBlob(), 'well');
    assert.equal(registry.seen.length, 2);
  });

  it('keeps what follows a ? out of messages', async () => {
    registry.fail(/blobs/, redirect(`http://${storage.host}/denied?signature=secret`));
    storage.fail(/denied/, status(403));
    const failure = await failureOf(readBlob());
    assert(!failure.message.includes('secret') && failure.message.includes(storage.host), failure.message);
  });

  for (const [what, location, requests] of [
    ['a circle', '?', 6],
    ['another scheme', 'file:///etc/passwd', 1],
    ['no address', 'http://[', 1],
  ] as const) {
    it(`refuses ${what}`, async () => {
      registry.fail(/blobs/, redirect(location));
      assert.equal((await failureOf(readBlob())).code, 'registry-error');
      assert.equal(registry.seen.length, requests);
    });
  }

  it('takes a redirect without address for an error', async () => {
    registry.fail(/blobs/, status(307));
    assert.equal((await failureOf(readBlob())).code, 'registry-error');
  });

  it('does not leave HTTPS', async () => {
    const asked: string[] = [];
    // No certificate is at hand for a server with TLS, so a plain one plays its part.
    const plain = new Connections({ ...DEFAULT_OPTIONS });
    registry.fail(/./, redirect('http://r.example/x'));
    const connections: Pick<Connections, 'send'> = {
      send: async (exchange) => {
        asked.push(exchange.url.href);
        return await plain.send({ ...exchange, url: new URL(`http://${registry.host}/`) });
      },
    };
    const exchange: Exchange = {
      method: 'GET',
      form: undefined,
      url: new URL('https://r.example/v2/a/blobs/x'),
      subject: aboutImage({ kind: 'blob', reference: registry.reference('a') }),
      headers: {},
      signal: new AbortController().signal,
      timeLimit: new TimeLimit(60_000),
      tryNumber: 1,
    };
    assert.equal((await failureOf(followRedirects(connections, exchange, 'Basic x'))).code, 'registry-error');
    assert.deepEqual(asked, ['https://r.example/v2/a/blobs/x']);
    await plain.close();
  });
});
