import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { Failure } from '../../../core/failure.ts';
import { NEVER } from '../../../daemon/configuration/schedule-types.ts';
import type { Chore } from '../../../daemon/service/chores.ts';
import { DaemonRig } from '../../support/daemon/rig.ts';

const HOUR = 60;

describe('daemon/service/chores', () => {
  let rig: DaemonRig;
  const begun: string[] = [];
  let running = 0;
  beforeEach(() => {
    begun.length = 0;
    running = 0;
  });

  function chore(name: string, expression: string, work: Chore['run'] = async () => {}): Chore {
    return {
      scheduleOf: () => expression,
      run: async (context) => {
        begun.push(name);
        assert.equal(++running, 1, 'one at a time');
        try {
          await work(context);
        } finally {
          running--;
        }
      },
    };
  }

  async function start(...chores: readonly Chore[]): Promise<void> {
    rig = await DaemonRig.make({ sources: [], chores });
    await mkdir(rig.root);
    await rig.start();
  }

  it('run when they are due, one after the other, and never where that is said', async () => {
    const slow = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve));
    await start(chore('a', '0 1 * * *', slow), chore('b', '0 1,2 * * *', slow), chore('c', NEVER));
    await rig.pass(3 * HOUR);
    await rig.stop();
    assert.deepEqual(begun, ['a', 'b', 'b']);
  });

  it('run once, however often they were due while they waited', async () => {
    const gates: (() => void)[] = [];
    const work: Chore['run'] = async () => await new Promise((resolve) => gates.push(resolve));
    await start(chore('a', '* * * * *', work));
    const opened = async (count: number): Promise<void> => {
      while (gates.length < count) await new Promise((resolve) => setImmediate(resolve));
    };
    rig.tickAll();
    await opened(1);
    for (let turn = 0; turn < 5; turn++) rig.tickAll();
    gates[0]?.();
    await opened(2);
    gates[1]?.();
    await rig.idle();
    await rig.stop();
    assert.deepEqual(begun, ['a', 'a']);
  });

  it('are logged once where they fail, and run again', async () => {
    const failure = new Failure('repository-unusable', 'no such repository', { hint: 'make it' });
    await start(chore('a', '0 * * * *', async () => await Promise.reject(failure)));
    rig.said();
    await rig.pass(2 * HOUR);
    const lines = rig.said().filter((line) => line.includes('no such repository'));
    await rig.stop();
    assert.deepEqual(lines, ['3 no such repository; make it']);
    assert.equal(begun.length, 2);
  });

  it('end the daemon where they have a bug', async () => {
    await start(chore('a', '0 * * * *', async () => await Promise.reject(new Error('a bug'))));
    await rig.pass(HOUR);
    await assert.rejects(rig.stop(), /a bug/);
  });

  it('are told when the daemon stops, and fail silently then', async () => {
    const work: Chore['run'] = async ({ signal }) =>
      await new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new Failure('interrupted', 'stopped')));
      });
    await start(chore('a', '* * * * *', work));
    rig.tickAll();
    while (begun.length === 0) await new Promise((resolve) => setImmediate(resolve));
    rig.said();
    await rig.stop();
    assert.deepEqual(rig.said(), ['6 stopping', '6 stopped']);
  });
});
