import assert from 'node:assert/strict';
import { startSchedule } from '../../../daemon/service/run-daemon.ts';

describe('daemon/service/run-daemon', () => {
  it('calls every second until it is stopped', async () => {
    const calls: number[] = [];
    const begin = Date.now();
    const schedule = startSchedule({ expression: '* * * * * *', timeZone: 'UTC', jitterMs: 0 }, () => {
      calls.push(Date.now());
    });
    try {
      const next = schedule.nextMs() ?? 0;
      const asked = Date.now();
      assert.ok(next > begin && next <= asked + 1000, String(next - asked));
      while (calls.length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
    } finally {
      schedule.stop();
    }
    const stopped = calls.length;
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.equal(calls.length, stopped);
  });

  it('follows its time zone', () => {
    const hours = ['UTC', 'Asia/Kolkata'].map((timeZone) => {
      const schedule = startSchedule({ expression: '0 3 * * *', timeZone, jitterMs: 0 }, () => undefined);
      const next = new Date(schedule.nextMs() ?? 0);
      schedule.stop();
      return `${next.getUTCHours()}:${next.getUTCMinutes()}`;
    });
    assert.deepEqual(hours, ['3:0', '21:30']);
  });
});
