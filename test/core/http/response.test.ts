import { strict as assert } from 'node:assert';
import { request } from 'undici';
import { readErrorBody } from '../../../core/http/response.ts';
import { FaultServer } from '../../support/registry/fault-server.ts';
import { drip, instead, stall } from '../../support/registry/faults.ts';

describe('core/http/response', () => {
  let server: FaultServer;

  beforeEach(async () => {
    server = await FaultServer.start();
  });

  afterEach(async () => {
    await server.close();
  });

  for (const [what, fault, text] of [
    ['a body', instead('why'), 'why'],
    ['a body that drips', drip(), ''],
    ['a body that stands still', stall, ''],
    ['too large a body', instead(Buffer.alloc(1_000_000)), ''],
  ] as const) {
    it(`reads ${what} of a refusal, in bounded time, and closes it`, async () => {
      server.addManifest('lab/tool', '1', 'a manifest');
      server.fail(/./, fault);
      const url = new URL(`http://${server.host}/v2/lab/tool/manifests/1`);
      const { statusCode, headers, body } = await request(url);
      // Much for what ends by itself, little for what does not.
      assert.equal(
        await readErrorBody(
          { status: statusCode, url, headers, body, received: { bytes: 0 } },
          text === '' ? 50 : 5000,
        ),
        text,
      );
      assert.equal(body.destroyed, true);
    });
  }
});
