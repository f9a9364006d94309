import { strict as assert } from 'node:assert';
import { request } from 'undici';
import { readErrorBody, isRangeOf, withoutFirst } from '../../../core/http/response.ts';
import { FaultServer } from '../../support/registry/fault-server.ts';
import { drip, instead, stall } from '../../support/registry/faults.ts';
import { collect } from '../../support/registry/quick-client.ts';

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
    ['a body that drips', drip(), undefined],
    ['a body that stands still', stall, undefined],
    ['too large a body', instead(Buffer.alloc(1_000_000)), undefined],
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
          text === undefined ? 50 : 5000,
        ),
        text,
      );
      assert.equal(body.destroyed, true);
    });
  }
});

/** What `Content-Range` may say for the bytes from 70 on of a blob of 100 bytes. */
const FIELDS: readonly (readonly [field: string | undefined, isRight: boolean])[] = [
  ['bytes 70-99/100', true],
  ['bytes 70-99/*', true],
  ['Bytes 70-99/100', true],
  [undefined, false],
  ['', false],
  ['bytes 0-99/100', false],
  ['bytes 71-99/100', false],
  ['bytes 70-98/100', false],
  ['bytes 70-99/101', false],
  ['bytes 70-100/101', false],
  ['bytes 70-100/*', false],
  ['bytes */100', false],
  ['items 70-99/100', false],
  ['bytes 70-99/100, bytes 70-99/100', false],
];

describe('core/http/response', () => {
  for (const [field, isRight] of FIELDS) {
    it(`${field} is ${isRight ? 'the range' : 'another'}`, () => {
      assert.equal(isRangeOf(field, 70, 100), isRight);
    });
  }

  for (const [bytes, rest] of [
    [0, '0123456789'],
    [2, '23456789'],
    [3, '3456789'],
    [5, '56789'],
    [10, ''],
    [11, ''],
  ] as const) {
    it(`leaves out the first ${bytes} bytes, however they are cut`, async () => {
      assert.equal((await collect(withoutFirst(pieces(), bytes))).toString(), rest);
    });
  }
});

async function* pieces(): AsyncGenerator<Uint8Array> {
  for (const piece of ['012', '', '34', '56789']) yield await Promise.resolve(Buffer.from(piece));
}
