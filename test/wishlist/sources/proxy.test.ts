import assert from 'node:assert/strict';
import { GitHttpServer } from '../../support/git/http-server.ts';
import { recipeText, Upstream } from '../../support/git/upstream.ts';
import { describeWith } from '../../support/programs.ts';
import { ConnectProxy } from '../../support/registry/connect-proxy.ts';
import type { WishlistSource } from '../../../wishlist/sources/source.ts';
import { gitAt, Reader, summary, urlAt } from './reading.ts';

const IMAGE = 'docker.io/library/old:1';

/** Both ask for the same recipe, through a proxy in the same cases. */
const KINDS = { git: gitAt, 'a web server': urlAt } as const;

describeWith(['git'], 'wishlist/sources/proxy', () => {
  let upstream: Upstream;
  let server: GitHttpServer;
  let proxy: ConnectProxy;

  beforeEach(async function () {
    upstream = await Upstream.create();
    await upstream.push({ 'recipe.yaml': recipeText(IMAGE) });
    server = await GitHttpServer.start(upstream.root, {
      intercept: (request, response) => {
        if (request.url !== '/recipe.yaml') return false;
        response.end(recipeText(IMAGE));
        return true;
      },
    });
    proxy = await ConnectProxy.start();
  });

  afterEach(async () => {
    await server?.close();
    await proxy?.close();
  });

  for (const [what, settingsOf] of Object.entries(KINDS)) {
    function source(host: string): WishlistSource {
      const path = what === 'git' ? upstream.name : 'recipe.yaml';
      return settingsOf(`http://${host}:${server.port}/${path}`);
    }

    async function read(host: string, environment: Readonly<Record<string, string>>): Promise<unknown> {
      const reader = await Reader.create({ environment: { PATH: process.env['PATH'], ...environment } });
      const { images, code } = summary(await reader.read(source(host)));
      return images ?? code;
    }

    for (const name of ['http_proxy', 'HTTP_PROXY']) {
      it(`is asked through what ${name} names (${what})`, async () => {
        assert.deepEqual(await read('wishlist.test', { [name]: `http://${proxy.host}` }), [IMAGE]);
        assert.match(proxy.seen[0] ?? '', /^GET http:\/\/wishlist\.test:/);
      });
    }

    it(`is asked directly where it is on this machine (${what})`, async () => {
      assert.deepEqual(await read('127.0.0.1', { http_proxy: `http://${proxy.host}` }), [IMAGE]);
      assert.deepEqual(proxy.seen, []);
    });

    it(`is asked directly where NO_PROXY names it with its port (${what})`, async () => {
      const environment = { http_proxy: `http://${proxy.host}`, NO_PROXY: `wishlist.invalid:${server.port}` };
      assert.equal(await read('wishlist.invalid', environment), 'source-unreachable');
      assert.deepEqual(proxy.seen, []);
    });

    it(`is asked directly where NO_PROXY names its network (${what})`, async () => {
      // Linux takes this address for its own; unlike 127.0.0.0/8 it is not asked directly anyway.
      const environment = { http_proxy: `http://${proxy.host}` };
      await read('0.0.0.0', environment);
      assert.match(proxy.seen.splice(0)[0] ?? '', /^GET http:\/\/0\.0\.0\.0:/);
      assert.deepEqual(await read('0.0.0.0', { ...environment, NO_PROXY: '0.0.0.0/8' }), [IMAGE]);
      assert.deepEqual(proxy.seen, []);
    });

    it(`is unreachable where the proxy wants a password (${what})`, async () => {
      proxy.refusal = 407;
      assert.equal(await read('wishlist.test', { http_proxy: `http://${proxy.host}` }), 'source-unreachable');
    });

    it(`is unreachable where the proxy cannot be reached (${what})`, async () => {
      const { host } = proxy;
      await proxy.close();
      assert.equal(await read('wishlist.test', { http_proxy: `http://${host}` }), 'source-unreachable');
      proxy = await ConnectProxy.start();
    });

    it(`says what is no address of a proxy (${what})`, async () => {
      assert.equal(await read('wishlist.test', { http_proxy: 'socks5://p:1' }), 'configuration-invalid');
    });
  }
});
