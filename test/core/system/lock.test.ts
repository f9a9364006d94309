import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { tryLock } from '../../../core/system/libc.ts';
import { Lock, unlessBusy, type LockRequest } from '../../../core/system/lock.ts';
import { Failure } from '../../../core/failure.ts';
import { failureOf } from '../../support/registry/quick-client.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { listener } from '../../publisher/repository/entries.ts';

const HOLDER = fileURLToPath(new URL('lock-holder.js', import.meta.url));

async function request(more: Partial<LockRequest> = {}): Promise<LockRequest> {
  const path = join(await temporaryDirectory('lock'), 'folder', 'lock');
  const { notice } = listener();
  return { path, subject: 'the test', waitMs: 0, unusable: 'state-unusable', notice, ...more };
}

describe('core/system/lock: Lock', () => {
  const children: ChildProcess[] = [];

  /** Another process that wants the lock, and what it says. */
  function otherProcess(path: string): { child: ChildProcess; says: (text: string) => Promise<void> } {
    const child = spawn(process.execPath, [HOLDER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    const lines = createInterface({ input: child.stdout });
    const said: string[] = [];
    lines.on('line', (line) => said.push(line));
    return {
      child,
      says: async (text) => {
        while (!said.some((line) => line.includes(text))) await once(lines, 'line');
      },
    };
  }

  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });

  it('is taken, released and taken again', async () => {
    const given = await request();
    for (let time = 0; time < 3; time++) (await Lock.acquire(given)).release();
  });

  it('says which process has it, by its number alone, when the wait is over', async () => {
    const given = await request();
    await mkdir(join(given.path, '..'));
    await writeFile(given.path, 'a much longer line of an earlier holder\n');
    const { child, says } = otherProcess(given.path);
    await says('held');
    assert.equal(await readFile(given.path, 'utf8'), `${child.pid}\n`);
    const failure = await failureOf(Lock.acquire(given));
    assert.equal(failure.code, 'repository-busy');
    assert.match(failure.message, new RegExp(`\\b${child.pid}$`));
    assert.notEqual(failure.hint, undefined);
  });

  it('ends with its holder, whatever killed that', async () => {
    const given = await request();
    const { child, says } = otherProcess(given.path);
    await says('held');
    child.kill('SIGKILL');
    await once(child, 'exit');
    (await Lock.acquire(given)).release();
  });

  it('is waited for, and that is said once', async () => {
    const { notice, said } = listener();
    const given = await request({ waitMs: 60_000, notice });
    const { child, says } = otherProcess(given.path);
    await says('held');
    const waiting = Lock.acquire(given);
    while (said.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    child.kill('SIGKILL');
    (await waiting).release();
    assert.equal(said.length, 1);
    assert.match(said[0] ?? '', new RegExp(`^waiting: .*\\b${child.pid}\\b`));
  });

  it('keeps others waiting in another process until it is released', async () => {
    const given = await request();
    const lock = await Lock.acquire(given);
    const { says } = otherProcess(given.path);
    await says(`last locked by process ${process.pid}`);
    lock.release();
    await says('held');
  });

  it('is not waited for any longer once the signal is aborted', async () => {
    const controller = new AbortController();
    const given = await request({ waitMs: 60_000 });
    const lock = await Lock.acquire(given);
    const reason = new Failure('interrupted', 'by a test');
    const notice = () => setImmediate(() => controller.abort(reason));
    const failure = await failureOf(Lock.acquire({ ...given, notice, signal: controller.signal }));
    assert.equal(failure, reason);
    lock.release();
    (await Lock.acquire(given)).release();
  });

  it('is not said to be held by this process, which may only have locked it last', async () => {
    const given = await request();
    (await Lock.acquire(given)).release();
    const fd = openSync(given.path, 'r');
    assert.ok(tryLock(fd));
    const { message } = await failureOf(Lock.acquire(given));
    closeSync(fd);
    assert.match(message, / is in use$/);
  });

  it('keeps two parts of one process apart', async () => {
    const given = await request();
    const lock = await Lock.acquire(given);
    assert.equal((await failureOf(Lock.acquire(given))).code, 'repository-busy');
    lock.release();
  });

  it('fails with the code of the request where its folder cannot be made', async () => {
    const folder = await temporaryDirectory('lock');
    await writeFile(join(folder, 'file'), '');
    const given = await request({ path: join(folder, 'file', 'lock') });
    assert.equal((await failureOf(Lock.acquire(given))).code, 'state-unusable');
    const other = { ...given, unusable: 'repository-unusable' } as const;
    assert.equal((await failureOf(Lock.acquire(other))).code, 'repository-unusable');
  });

  it('fails with the code of the request where the file is a directory', async () => {
    const given = await request();
    await mkdir(given.path, { recursive: true });
    await chmod(given.path, 0o755);
    assert.equal((await failureOf(Lock.acquire(given))).code, 'state-unusable');
  });
});

describe('core/system/lock: unlessBusy', () => {
  it('passes over a lock that somebody else has', async () => {
    await unlessBusy(async () => {
      throw new Failure('repository-busy', 'a test has it');
    });
  });

  it('throws every other failure', async () => {
    const failing = unlessBusy(async () => {
      throw new Failure('repository-unusable', 'a test broke it');
    });
    assert.equal((await failureOf(failing)).code, 'repository-unusable');
  });
});
