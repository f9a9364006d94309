import assert from 'node:assert/strict';
import type { Context } from '../../../daemon/output/context.ts';
import { loadConfiguration } from '../../../daemon/configuration/configuration.ts';
import { withRegistry } from '../../../daemon/cycle/publishing.ts';
import type { Event } from '../../../publisher/image/events.ts';
import { parseReference } from '../../../core/oci/reference.ts';
import { ConnectProxy } from '../../support/registry/connect-proxy.ts';
import { FaultServer } from '../../support/registry/fault-server.ts';
import { failureOf } from '../../support/registry/quick-client.ts';
import { temporaryDirectory } from '../../support/setup.ts';

describe('daemon/cycle/publishing-network', () => {
  let server: FaultServer;
  let proxy: ConnectProxy;
  let events: Event[];

  beforeEach(async () => {
    events = [];
    [server, proxy] = [await FaultServer.start(), await ConnectProxy.start()];
    server.tagPages.set('lab/tool', [['1']]);
  });

  afterEach(async () => {
    await server.close();
    await proxy.close();
  });

  async function listTags(
    environment: Record<string, string>,
    flags: Record<string, string> = {},
  ): Promise<readonly string[]> {
    const home = await temporaryDirectory('home');
    const machine = { home, superuser: false, workingDirectory: home, configurationFile: `${home}/none` };
    const context: Pick<Context, 'configuration' | 'environment' | 'observe' | 'signal'> = {
      configuration: loadConfiguration({ flags, environment, machine }),
      environment,
      observe: (event) => events.push(event),
      signal: new AbortController().signal,
    };
    const host = server.host.replace('127.0.0.1', 'registry.test');
    const reference = parseReference(`http://${host}/lab/tool`);
    return await withRegistry(context as Context, async (client) => (await client.listTags(reference)).tags);
  }

  it('goes through the proxy that the environment names', async () => {
    assert.deepEqual(await listTags({ http_proxy: `http://${proxy.host}` }), ['1']);
    assert.equal(proxy.seen.length, 1);
    assert.deepEqual(events, []);
  });

  it('tells of requests where the log is to have them', async () => {
    await listTags({ http_proxy: `http://${proxy.host}` }, { 'log-level': 'debug' });
    assert.deepEqual(
      events.map(({ type }) => type),
      ['request'],
    );
  });

  it('refuses a proxy that is none', async () => {
    const failure = await failureOf(listTags({ HTTPS_PROXY: 'socks5://x' }));
    assert.equal(failure.code, 'configuration-invalid');
  });
});
