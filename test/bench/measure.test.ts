import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { temporaryDirectory } from '../support/setup.ts';
import { Gauge } from './measure.ts';
import { parseUsage } from './process-tree.ts';

/** Takes about a fifth of a second of a processor. */
const BUSY = 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done';

describe('bench/measure', () => {
  let folder: string;
  const path = process.env['PATH'];

  beforeEach(async () => (folder = await temporaryDirectory('bench')));
  afterEach(() => (process.env['PATH'] = path));

  /** A gauge that finds this script as cvmfs_server. */
  function gaugeWith(script: string): Gauge {
    const bin = join(folder, 'real');
    mkdirSync(bin);
    writeFileSync(join(bin, 'cvmfs_server'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    process.env['PATH'] = [bin, path].join(delimiter);
    return new Gauge(join(folder, 'gauge'));
  }

  it('gives output, processor time and bytes of a program with its children', async () => {
    const file = join(folder, 'written');
    const words = ['sh', '-c', `sh -c '${BUSY}'; head -c 5000000 /dev/zero >${file}; echo done`];
    const { stdout, measurement } = await new Gauge(join(folder, 'gauge')).run({ words });
    assert.equal(stdout, 'done\n');
    assert.ok(measurement.processorSeconds > 0);
    assert.ok(measurement.seconds >= measurement.processorSeconds / 2);
    assert.ok(measurement.writtenBytes >= 5e6);
    assert.ok(measurement.peakBytes > 0);
    assert.deepEqual([measurement.transactions, measurement.serverProcessorSeconds], [0, 0]);
  });

  it('counts the processor time of cvmfs_server apart, and the transactions', async () => {
    const gauge = gaugeWith(`${BUSY}; cat >/dev/null`);
    const script = 'cvmfs_server list x; cvmfs_server ingest -t - x </dev/null; cvmfs_server publish x';
    const { measurement } = await gauge.run({ words: ['sh', '-ec', script] });
    assert.equal(measurement.transactions, 2);
    assert.ok(measurement.serverProcessorSeconds > measurement.processorSeconds);
  });

  it('keeps what is ingested where that is asked for, with its command and its end', async () => {
    const gauge = gaugeWith('cat >/dev/null; exit 3');
    const record = join(folder, 'record');
    const words = [
      'sh',
      '-c',
      `echo archive | cvmfs_server ingest -t - 'a b'; [ $? = 3 ] && cat ${record} ${record}.words`,
    ];
    const { stdout } = await gauge.run({ words, environment: gauge.environment(record) });
    assert.equal(stdout, 'archive\ningest\0-t\0-\0a b\0');
  });

  it('fails with the output of a program that fails', async () => {
    const words = ['sh', '-c', 'echo why >&2; exit 3'];
    await assert.rejects(new Gauge(join(folder, 'gauge')).run({ words }), /failed \(exit 3\):\nwhy/);
  });

  it('measures a span of a process that goes on', async () => {
    const child = spawn('sh', ['-c', `read line; ${BUSY}; echo done; read line`]);
    const gauge = new Gauge(join(folder, 'gauge'));
    const measurement = await gauge.during(child.pid ?? 0, async () => {
      child.stdin.write('go\n');
      await once(child.stdout, 'data');
    });
    child.stdin.end();
    await once(child, 'close');
    assert.ok(measurement.processorSeconds > 0);
  });

  it('reads the numbers of a process whose name has parentheses and spaces', () => {
    const stat = `42 (a) b (c) S ${Array.from({ length: 20 }, (_, index) => index + 4).join(' ')}`;
    const usage = parseUsage(`${stat}\nrchar: 7\nread_bytes: 8\nwchar: 9\nwrite_bytes: 10\n`);
    assert.deepEqual(usage, {
      processorSeconds: 0.29,
      childrenSeconds: 0.33,
      readBytes: 7,
      writtenBytes: 9,
      diskReadBytes: 8,
      diskWrittenBytes: 10,
    });
  });
});
