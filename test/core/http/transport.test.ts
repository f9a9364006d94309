import { strict as assert } from 'node:assert';
import { DEFAULT_OPTIONS } from '../../../publisher/registry/options.ts';
import { aboutImage } from '../../../publisher/registry/error-response.ts';
import { Transport, type TransportRequest } from '../../../core/http/transport.ts';
import type { FailureCode } from '../../../core/failure.ts';
import { FaultServer } from '../../support/registry/fault-server.ts';
import { drop, redirect, status, type Fault } from '../../support/registry/faults.ts';
import { failureOf } from '../../support/registry/quick-client.ts';

const LIMIT = { bytes: 1000, code: 'manifest-invalid' } as const;

describe('core/http/transport', () => {
  let server: FaultServer;
  let transport: Transport;

  beforeEach(async () => {
    server = await FaultServer.start();
    transport = new Transport({ ...DEFAULT_OPTIONS, retryDelayMs: 1, concurrency: 1 });
    server.addManifest('lab/tool', '1', 'the manifest');
  });

  afterEach(async () => {
    await transport.close();
    await server.close();
  });

  function request(more: Partial<TransportRequest> = {}): TransportRequest {
    const reference = server.reference('lab/tool', { tag: '1' });
    const url = new URL(`http://${server.host}/v2/lab/tool/manifests/1`);
    return { url, subject: aboutImage({ kind: 'manifest', reference }), ...more };
  }

  function requests(): readonly (readonly [method: string, url: string])[] {
    return server.seen.map(({ method, url }) => [method, url]);
  }

  describe('head', () => {
    const CASES: readonly (readonly [
      what: string,
      fault: Fault,
      times: number,
      outcome: FailureCode | number,
      requests: number,
    ])[] = [
      ['nothing wrong', drop, 0, 200, 1],
      ['404', status(404), 1, 'tag-unknown', 1],
      ['304, which is accepted', status(304), 1, 304, 1],
      ['405, which is accepted', status(405, { code: 'UNSUPPORTED' }), 1, 405, 1],
      ['403', status(403), 1, 'forbidden', 1],
      ['503, then well', status(503), 1, 200, 2],
      ['a cut connection, then well', drop, 1, 200, 2],
      ['503 always', status(503), 9, 'registry-error', 4],
      ['a redirect', redirect('/v2/lab/tool/manifests/1'), 1, 200, 2],
    ];

    for (const [what, fault, times, outcome, count] of CASES) {
      it(`${what}: ${outcome} after ${count} requests, all of them HEAD`, async () => {
        server.fail(/./, fault, times);
        const asking = transport.head(request({ accepts: [304, 405] }));
        if (typeof outcome === 'number') assert.equal((await asking).status, outcome);
        else assert.equal((await failureOf(asking)).code, outcome);
        assert.deepEqual(
          server.seen.map(({ method }) => method),
          Array.from({ length: count }, () => 'HEAD'),
        );
      });
    }

    it('gives the headers, and the connection back', async () => {
      for (let asked = 0; asked < 6; asked += 1) {
        const { header } = await transport.head(request({ headers: { accept: 'application/json' } }));
        assert.match(header('docker-content-digest') ?? '', /^sha256:/);
      }
      // undici may open a second one while the first is not quite idle, but none for each request.
      assert(server.connections < 6, `${server.connections} connections`);
      assert.equal(server.seen[0]?.accept, 'application/json');
    });
  });

  describe('read', () => {
    it('hands an accepted status to the check', async () => {
      server.fail(/./, status(304), 1);
      const read = { ...request({ accepts: [304], headers: { 'if-none-match': '"x"' } }) };
      const check = (document: { status: number; bytes: Buffer }) => [document.status, document.bytes.length];
      assert.deepEqual(await transport.read(read, LIMIT, check), [304, 0]);
      assert.equal(server.seen[0]?.ifNoneMatch, '"x"');
      assert.deepEqual(await transport.read(read, LIMIT, check), [200, 12]);
    });

    it('takes a status that is not accepted for a refusal', async () => {
      server.fail(/./, status(304));
      const reading = transport.read(request({ accepts: [404] }), LIMIT, () => undefined);
      assert.equal((await failureOf(reading)).code, 'registry-error');
    });

    it('posts a form', async () => {
      server.fail(/./, (response) => response.end('answer'));
      const form = 'grant_type=refresh_token&refresh_token=a%2Bb';
      const posted = request({ method: 'POST', form });
      assert.equal(await transport.read(posted, LIMIT, ({ bytes }) => bytes.toString()), 'answer');
      const [seen] = server.seen;
      assert.deepEqual(
        [seen?.method, seen?.contentType, seen?.body],
        ['POST', 'application/x-www-form-urlencoded', form],
      );
    });

    it('posts again after a failure that may pass', async () => {
      server.fail(/./, status(500), 1);
      await transport.read(request({ method: 'POST', form: 'a=b' }), LIMIT, () => undefined);
      assert.deepEqual(
        server.seen.map(({ body }) => body),
        ['a=b', 'a=b'],
      );
    });

    for (const code of [301, 302, 303, 307, 308]) {
      it(`refuses a redirect with ${code} of a POST`, async () => {
        server.fail(/./, redirect('/elsewhere', code));
        const reading = transport.read(request({ method: 'POST', form: 'a=b' }), LIMIT, () => undefined);
        assert.equal((await failureOf(reading)).code, 'registry-error');
        assert.deepEqual(requests(), [['POST', '/v2/lab/tool/manifests/1']]);
      });
    }
  });
});
