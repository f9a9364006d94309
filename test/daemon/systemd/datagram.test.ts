import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sendDatagram } from '../../../daemon/systemd/datagram.ts';
import { DatagramReceiver } from '../../support/datagrams.ts';
import { needs } from '../../support/programs.ts';
import { temporaryDirectory } from '../../support/setup.ts';

describe('daemon/systemd/datagram', () => {
  let folder: string;
  let receiver: DatagramReceiver | undefined;

  beforeEach(async () => {
    folder = await temporaryDirectory('datagram');
  });

  afterEach(async () => {
    await receiver?.close();
    receiver = undefined;
  });

  const addresses: readonly (readonly [title: string, address: (folder: string) => string])[] = [
    ['a path', (below) => join(below, 'socket')],
    ['a path as long as it may be', (below) => join(below, 'x'.repeat(106 - below.length))],
    ['a name in the abstract namespace', () => `@unpackd-test-${process.pid}`],
  ];
  for (const [title, addressIn] of addresses) {
    it(`sends to ${title}, each call one datagram, bytes as they are`, async function () {
      needs(this, 'python3');
      const address = addressIn(folder);
      receiver = await DatagramReceiver.on(address);
      const bytes = Buffer.from([0, 255, 10, 0, 1]);
      sendDatagram(address, Buffer.from('one\ntwo'));
      sendDatagram(address, bytes);
      assert.deepEqual(await receiver.messages(2), [Buffer.from('one\ntwo'), bytes]);
    });
  }

  const refused: readonly (readonly [title: string, code: string, address: (folder: string) => string])[] = [
    ['a path that does not exist', 'ENOENT', (below) => join(below, 'missing')],
    ['a file that is no socket', 'ECONNREFUSED', (below) => join(below, 'file')],
    ['a name that nobody has', 'ECONNREFUSED', () => `@unpackd-nobody-${randomUUID()}`],
    ['a path that is too long', 'ENAMETOOLONG', (below) => join(below, 'x'.repeat(108))],
    ['an abstract name that is too long', 'ENAMETOOLONG', () => `@${'x'.repeat(108)}`],
  ];
  for (const [title, code, address] of refused) {
    it(`fails with ${code} for ${title}, and leaves no descriptor open`, () => {
      writeFileSync(join(folder, 'file'), '');
      const before = readdirSync('/proc/self/fd').length;
      assert.throws(() => sendDatagram(address(folder), Buffer.from('x')), { code });
      // Others may be closed meanwhile.
      assert.ok(readdirSync('/proc/self/fd').length <= before);
    });
  }

  it('fails with EMSGSIZE for what the socket does not take', async function () {
    needs(this, 'python3');
    receiver = await DatagramReceiver.on(join(folder, 'socket'));
    assert.throws(() => sendDatagram(join(folder, 'socket'), Buffer.alloc(64 * 1024 * 1024)), {
      code: 'EMSGSIZE',
    });
  });

  it('waits for a receiver whose queue is full, but not for ever', async function () {
    needs(this, 'python3');
    const address = join(folder, 'socket');
    receiver = await DatagramReceiver.on(address, 'later');
    let sent = 0;
    const fill = (): void => {
      for (; sent < 100_000; sent += 1) sendDatagram(address, Buffer.from(String(sent)), 0);
    };
    assert.throws(fill, { code: 'EAGAIN' });
    const started = performance.now();
    assert.throws(() => sendDatagram(address, Buffer.from('late'), 200), { code: 'EAGAIN' });
    const waitedMs = performance.now() - started;
    assert.ok(waitedMs >= 190, `${waitedMs} ms`);

    await receiver.receive();
    sendDatagram(address, Buffer.from('in time'), 30_000);
    const texts = await receiver.texts(sent + 1);
    assert.deepEqual([texts[0], texts.at(-1)], ['0', 'in time']);
  });
});
