import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
  lstatSync,
  readFileSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CvmfsRepository } from '../../../../publisher/repository/cvmfs/installation.ts';
import {
  forgetTransaction,
  isInTransaction,
  isOurTransaction,
  isRecorded,
  orphansOf,
  recordTransaction,
  recordedEnvironment,
} from '../../../../publisher/repository/cvmfs/transaction-record.ts';
import { temporaryDirectory } from '../../../support/setup.ts';

async function repository(): Promise<CvmfsRepository> {
  const folder = await temporaryDirectory('record');
  return {
    name: 'record.test',
    mount: join(folder, 'mount'),
    published: join(folder, 'rdonly'),
    transactionLock: join(folder, 'in_transaction.lock'),
    writerLock: join(folder, 'unpackd.lock'),
    record: join(folder, 'unpackd.transaction'),
    folders: [],
    smallestChunkBytes: 4_194_304,
    includesXattrs: true,
    collectsGarbage: false,
  };
}

/** Opens a transaction as `cvmfs_server` does, `agoMs` before now. */
function open({ transactionLock }: CvmfsRepository, agoMs = 0): void {
  writeFileSync(transactionLock, '');
  const time = new Date(Date.now() - agoMs);
  utimesSync(transactionLock, time, time);
}

/** As long as the record takes to see a transaction that is open. */
const SEEN_MS = 200;

describe('publisher/repository/cvmfs/transaction-record', () => {
  it('knows ours when it was seen, however long it takes', async () => {
    const ours = await repository();
    const recording = recordTransaction(ours);
    open(ours);
    await sleep(SEEN_MS);
    recording.stop();
    assert.deepEqual([isInTransaction(ours), isOurTransaction(ours)], [true, true]);
  });

  it('knows ours that was opened late, right before the command was stopped', async () => {
    const ours = await repository();
    const recording = recordTransaction(ours);
    open(ours, -60_000);
    recording.stop();
    assert.equal(isOurTransaction(ours), true);
  });

  it('harms no command where it can no longer be written', async () => {
    const ours = await repository();
    const recording = recordTransaction(ours);
    rmSync(ours.record);
    mkdirSync(ours.record);
    open(ours);
    await sleep(SEEN_MS);
    recording.stop();
    assert.equal(isInTransaction(ours), true);
  });

  it('is a file of its own that nobody else may read, whatever the umask and what lies in its place', async () => {
    const ours = await repository();
    const precious = `${ours.record}.precious`;
    writeFileSync(precious, 'precious');
    symlinkSync(precious, `${ours.record}.part`);
    const umask = process.umask(0);
    recordTransaction(ours).stop();
    process.umask(umask);
    assert.equal(lstatSync(ours.record).mode & 0o7777, 0o600);
    assert.equal(readFileSync(precious, 'utf8'), 'precious');
  });

  it('takes one for ours that was opened right after our command began, though it was not seen', async () => {
    const ours = await repository();
    recordTransaction(ours).stop();
    open(ours);
    assert.equal(isOurTransaction(ours), true);
  });

  const FOREIGN: readonly (readonly [what: string, agoMs: number])[] = [
    ['a second before our command began', 1000],
    ['long after it', -60_000],
  ];
  for (const [what, agoMs] of FOREIGN) {
    it(`takes one for somebody else's that was opened ${what}`, async () => {
      const theirs = await repository();
      recordTransaction(theirs).stop();
      open(theirs, agoMs);
      assert.equal(isOurTransaction(theirs), false);
    });
  }

  it('takes one for somebody else\u2019s that is there when our command begins, also when it was seen', async () => {
    const theirs = await repository();
    open(theirs, 1000);
    const recording = recordTransaction(theirs);
    await sleep(SEEN_MS);
    recording.stop();
    assert.equal(isOurTransaction(theirs), false);
  });

  it('takes one for somebody else\u2019s that has taken the place of ours', async () => {
    const theirs = await repository();
    const recording = recordTransaction(theirs);
    open(theirs);
    await sleep(SEEN_MS);
    recording.stop();
    rmSync(theirs.transactionLock);
    open(theirs, -5);
    assert.equal(isOurTransaction(theirs), false);
  });

  it('goes on knowing ours from its first moment while a second command works in it', async () => {
    const ours = await repository();
    const first = recordTransaction(ours);
    open(ours, 0);
    await sleep(SEEN_MS);
    first.stop();
    recordTransaction(ours).stop();
    assert.equal(isOurTransaction(ours), true);
  });

  it('is gone when it is forgotten, and nothing is ours without it', async () => {
    const ours = await repository();
    recordTransaction(ours).stop();
    open(ours);
    forgetTransaction(ours);
    forgetTransaction(ours);
    assert.deepEqual(
      [isRecorded(ours), existsSync(ours.record), isOurTransaction(ours)],
      [false, false, false],
    );
  });

  for (const text of ['', '{"mark":', '{"mark":1}', '[]']) {
    it(`is worth nothing where it holds ${JSON.stringify(text)}`, async () => {
      const ours = await repository();
      writeFileSync(ours.record, text);
      open(ours);
      assert.deepEqual([isOurTransaction(ours), orphansOf(ours), recordedEnvironment(ours)], [false, [], {}]);
    });
  }

  it('knows the processes of its commands that still run, and no others', async () => {
    const ours = await repository();
    const { environment, stop } = recordTransaction(ours);
    stop();
    assert.deepEqual(orphansOf(ours), []);
    assert.deepEqual(recordedEnvironment(ours), environment);
    const env = { ...process.env, ...environment };
    // The shell is waited for, the other one goes on in a session of its own.
    const script = 'setsid sleep 600 >/dev/null 2>&1 & echo $!';
    const shell = spawnSync('sh', ['-c', script], { env, encoding: 'utf8' });
    // Its environment cannot be read at the moment in which it becomes another program.
    let left = orphansOf(ours);
    for (; left.length === 0; left = orphansOf(ours)) await sleep(5);
    for (const pid of left) process.kill(pid, 'SIGKILL');
    assert.deepEqual(left, [Number(shell.stdout)]);
    recordTransaction(ours).stop();
    assert.deepEqual(orphansOf(ours), []);
  });
});
