import assert from 'node:assert/strict';
import { join } from 'node:path';
import { hideSecret } from '../../../daemon/configuration/secrets.ts';
import { ServiceManager } from '../../../daemon/systemd/service-manager.ts';
import { DatagramReceiver } from '../../support/datagrams.ts';
import { needs } from '../../support/programs.ts';
import { temporaryDirectory } from '../../support/setup.ts';

describe('daemon/systemd/service-manager', () => {
  let receiver: DatagramReceiver | undefined;

  afterEach(async () => {
    await receiver?.close();
    receiver = undefined;
  });

  it('tells the manager each state in the words of sd_notify', async function () {
    needs(this, 'python3');
    const socket = join(await temporaryDirectory('notify'), 'notify');
    receiver = await DatagramReceiver.on(socket);
    const manager = new ServiceManager({ NOTIFY_SOCKET: socket });
    const before = process.hrtime.bigint() / 1000n;
    manager.ready();
    manager.status('3 of 10 images');
    manager.reloading();
    manager.alive();
    manager.stopping();
    const texts = await receiver.texts(5);
    const time = /^RELOADING=1\nMONOTONIC_USEC=(\d+)$/.exec(texts[2] ?? '')?.[1];
    assert.ok(time !== undefined, texts[2]);
    assert.ok(BigInt(time) >= before && BigInt(time) <= process.hrtime.bigint() / 1000n, time);
    assert.deepEqual(texts.toSpliced(2, 1), ['READY=1', 'STATUS=3 of 10 images', 'WATCHDOG=1', 'STOPPING=1']);
  });

  it('has a status of one line without secrets, so that it cannot say anything else', async function () {
    needs(this, 'python3');
    const socket = `@unpackd-notify-${process.pid}`;
    receiver = await DatagramReceiver.on(socket);
    hideSecret('s3cret-of-the-status');
    new ServiceManager({ NOTIFY_SOCKET: socket }).status('waits\nSTOPPING=1 s3cret-of-the-status');
    assert.deepEqual(await receiver.texts(1), ['STATUS=waits STOPPING=1 ***']);
  });

  const unreachable: readonly (readonly [title: string, socket: string | undefined])[] = [
    ['none', undefined],
    ['an empty one', ''],
    ['a relative one', 'relative'],
    ['one of a virtual machine', 'vsock:2:1234'],
    ['one that does not exist', '/nowhere/at/all'],
    ['one that is too long', `/${'x'.repeat(200)}`],
    ['one without a name', '@'],
  ];
  for (const [title, socket] of unreachable) {
    it(`tells nobody, and goes on, where the socket is ${title}`, () => {
      const manager = new ServiceManager({ NOTIFY_SOCKET: socket });
      manager.ready();
      manager.alive();
    });
  }

  const NOTIFY_SOCKET = '/nowhere';
  const intervals: readonly (readonly [
    title: string,
    environment: Record<string, string>,
    ms: number | undefined,
  ])[] = [
    ['half of what is allowed', { NOTIFY_SOCKET, WATCHDOG_USEC: '30000000' }, 15_000],
    ['half of what is allowed to this process', watched('30000000', process.pid), 15_000],
    ['never for another process', watched('30000000', process.ppid), undefined],
    ['never for no time', { NOTIFY_SOCKET, WATCHDOG_USEC: '0' }, undefined],
    ['never for what is no time', { NOTIFY_SOCKET, WATCHDOG_USEC: 'soon' }, undefined],
    ['never where nothing is watched', { NOTIFY_SOCKET }, undefined],
    ['never where nobody can be told', { WATCHDOG_USEC: '30000000' }, undefined],
  ];
  for (const [title, environment, ms] of intervals) {
    it(`has the interval of the watchdog: ${title}`, () => {
      assert.equal(new ServiceManager(environment).watchdogIntervalMs, ms);
    });
  }

  function watched(microseconds: string, pid: number): Record<string, string> {
    return { NOTIFY_SOCKET, WATCHDOG_USEC: microseconds, WATCHDOG_PID: String(pid) };
  }
});
