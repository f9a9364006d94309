import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import type { RegistryClient } from '../../../publisher/registry/client.ts';
import { Dispatchers } from '../../../core/http/dispatchers.ts';
import { FaultServer } from '../../support/registry/fault-server.ts';
import { redirect } from '../../support/registry/faults.ts';
import { buildImage, plainLayer } from '../../support/registry/image.ts';
import { failureOf, quickClient } from '../../support/registry/quick-client.ts';
import { TokenService } from '../../support/registry/token-service.ts';

const LAYER = plainLayer(Buffer.from('layer'));
const DESCRIPTOR = { mediaType: LAYER.mediaType, digest: LAYER.diffId, sizeBytes: LAYER.bytes.length };
const PRIVATE = '127.0.0.5';
const isAllowed = (address: string): boolean => address !== PRIVATE;

describe('publisher/registry/refused-addresses', () => {
  let registry: FaultServer;
  let hidden: Server;
  let host: string;
  let connections: number;
  let client: RegistryClient;

  beforeEach(async () => {
    registry = await FaultServer.start();
    registry.addImage('lab/tool', '1', buildImage({ layers: [LAYER] }));
    connections = 0;
    hidden = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    hidden.listen(0, PRIVATE);
    await once(hidden, 'listening');
    const address = hidden.address();
    assert.ok(address !== null && typeof address === 'object');
    host = `${PRIVATE}:${address.port}`;
    client = quickClient({ isAllowed });
  });

  afterEach(async () => {
    await client.close();
    await registry.close();
    hidden.close();
    await once(hidden, 'close');
  });

  const WAYS: Readonly<Record<string, () => Promise<unknown>>> = {
    'the registry itself': async () =>
      await client.listTags({ ...registry.reference('lab/tool'), registry: host }),
    'a redirect of a manifest': async () => {
      registry.fail(/manifests/, redirect(`http://${host}/x`));
      return await client.fetchManifest(registry.reference('lab/tool', { tag: '1' }));
    },
    'a redirect of a tag list': async () => {
      registry.fail(/tags/, redirect(`http://${host}/x`));
      return await client.listTags(registry.reference('lab/tool'));
    },
    'a redirect of a blob': async () => {
      registry.fail(/blobs/, redirect(`http://${host}/x`));
      return await client.openBlob(registry.reference('lab/tool'), DESCRIPTOR);
    },
    'a redirect, written as a number': async () => {
      registry.fail(/blobs/, redirect(`http://0x7f000005:${host.split(':')[1]}/x`));
      return await client.openBlob(registry.reference('lab/tool'), DESCRIPTOR);
    },
    'the realm of a token': async () => {
      const tokens = new TokenService(registry, { realm: `http://${host}/token` });
      tokens.revoke();
      return await client.listTags(registry.reference('lab/tool'));
    },
  };
  for (const [what, ask] of Object.entries(WAYS)) {
    it(`refuses ${what}, and connects nowhere`, async () => {
      const failure = await failureOf(ask());
      assert.equal(failure.code, 'address-refused', failure.message);
      assert.equal(connections, 0);
    });
  }

  for (const scheme of ['http', 'https']) {
    it(`refuses an address that would be asked through a proxy, over ${scheme}, and not the proxy`, async () => {
      const proxy = new URL('http://127.0.0.5:1');
      const dispatchers = new Dispatchers({
        connectTimeoutMs: 1,
        materialOf: () => ({}),
        systemAuthorities: undefined,
        proxies: { http: proxy, https: proxy },
        isAllowed: (address) => address === '192.0.2.1',
      });
      assert.throws(() => dispatchers.dispatchFor(new URL(`${scheme}://10.0.0.1/x`)), {
        code: 'ERR_ADDRESS_REFUSED',
      });
      assert.throws(() => dispatchers.dispatchFor(new URL(`${scheme}://[fd00::1]/x`)), {
        code: 'ERR_ADDRESS_REFUSED',
      });
      for (const name of ['192.0.2.1', 'registry.test'])
        assert.ok(dispatchers.dispatchFor(new URL(`${scheme}://${name}/x`)).dispatcher);
      await dispatchers.destroy();
    });
  }
});
