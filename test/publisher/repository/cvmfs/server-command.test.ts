import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../../../../core/failure.ts';
import {
  CommandError,
  runCommand,
  type CommandOptions,
  readServerVersion,
} from '../../../../publisher/repository/cvmfs/server-command.ts';
import { createCvmfsFixture } from '../../../support/cvmfs-server/fixture.ts';
import { failureOf } from '../../../support/registry/quick-client.ts';
import { temporaryDirectory } from '../../../support/setup.ts';

async function shell(script: string, options: Partial<CommandOptions> = {}): Promise<string> {
  return await runCommand(['sh', '-c', script], { idleLimitMs: 60_000, ...options });
}

async function errorOf(work: Promise<unknown>): Promise<CommandError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof CommandError) return error;
    throw error;
  }
  throw new Error('it should have failed');
}

async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) yield Buffer.alloc(64 * 1024);
}

describe('publisher/repository/cvmfs/server-command: runCommand', () => {
  it('answers what the command prints, on either stream', async () => {
    const output = await shell('echo one; sleep 0.1; echo two >&2');
    assert.equal(output, 'one\ntwo\n');
  });

  it('feeds the input, and nothing where there is none', async () => {
    const input = async function* (): AsyncGenerator<Uint8Array> {
      for (let piece = 0; piece < 100; piece++) yield Buffer.alloc(65_536, 'x');
    };
    assert.equal(await shell('wc -c', { input: input() }), `${100 * 65_536}\n`);
    assert.equal(await shell('wc -c'), '0\n');
  });

  it('tells for how long its input was empty', async () => {
    const drained = join(await temporaryDirectory('command'), 'drained');
    let [reportedMs, emptyMs] = [0, Infinity];
    const input = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x');
      while (!existsSync(drained)) await sleep(5);
      const sinceMs = performance.now();
      await sleep(50);
      emptyMs = performance.now() - sinceMs;
      yield Buffer.from('y');
    };
    const onInputWait = (waitMs: number): void => void (reportedMs += waitMs);
    await shell(`head -c 1; touch ${drained}; cat`, { input: input(), onInputWait });
    assert.ok(reportedMs >= emptyMs, `${reportedMs} ms of ${emptyMs} ms`);
  });

  it('does not count the time in which its input waits for it', async () => {
    const go = join(await temporaryDirectory('command'), 'go');
    let reports = 0;
    const input = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x');
      const before = reports;
      await sleep(50);
      assert.equal(reports, before);
      await writeFile(go, '');
    };
    const script = `while ! [ -e ${go} ]; do sleep 0.01; done; cat`;
    assert.equal(await shell(script, { input: input(), onInputWait: () => void reports++ }), 'x');
  });

  it('runs in a process group of its own, at the root, with further variables', async () => {
    const script = '[ $$ = "$(cut -d " " -f 5 /proc/$$/stat)" ] && pwd && echo "$GIVEN $PATH"';
    const output = await shell(script, { environment: { GIVEN: 'here' } });
    assert.equal(output, `/\nhere ${process.env['PATH']}\n`);
  });

  for (const [script, status] of [
    ['echo why; exit 3', 'exit 3'],
    ['echo why; kill -9 $$', 'signal SIGKILL'],
  ] as const) {
    it(`fails with the status and the output of ${script}`, async () => {
      const { end, output } = await errorOf(shell(script));
      assert.deepEqual([end, output], [{ kind: 'failed', status }, 'why\n']);
    });
  }

  it('keeps the end of a long output', async () => {
    const { output } = await errorOf(shell('yes line | head -c 1000000; echo why; exit 1'));
    assert.ok(output.length <= 16_384);
    assert.ok(output.endsWith('line\nwhy\n'));
  });

  it('says why a command failed that did not read its input to the end', async () => {
    const { end } = await errorOf(shell('head -c 1000 >/dev/null; exit 4', { input: endless() }));
    assert.deepEqual(end, { kind: 'failed', status: 'exit 4' });
  });

  it('stops a command that neither reads nor prints', async () => {
    const { end } = await errorOf(shell('sleep 600', { input: endless(), idleLimitMs: 300 }));
    assert.equal(end.kind, 'stuck');
  });

  it('stops a command that reads for ever when the signal is aborted', async () => {
    const signal = AbortSignal.timeout(100);
    const { end } = await errorOf(shell('cat > /dev/null', { input: endless(), signal }));
    assert.equal(end.kind, 'interrupted');
  });

  it('leaves no descriptor open', async () => {
    const rounds = 10;
    const commands = async (): Promise<number> => {
      await shell('cat > /dev/null');
      await errorOf(shell('exit 1', { input: endless() }));
      await failureOf(runCommand(['/no/such/program'], { idleLimitMs: 60_000 }));
      await setImmediate();
      return readdirSync('/proc/self/fd').length;
    };
    const before = await commands();
    let after = 0;
    for (let round = 0; round < rounds; round++) after = await commands();
    // What other tests used may be closed meanwhile, or a thread be started.
    assert.ok(after < before + rounds, `${before} descriptors became ${after}`);
  });

  it('lets a slow command be that shows progress', async () => {
    assert.equal(
      await shell('for i in 1 2 3 4; do sleep 0.3; echo $i; done', { idleLimitMs: 2000 }),
      '1\n2\n3\n4\n',
    );
  });

  it('stops a command when the signal is aborted, with all that it started', async () => {
    const folder = await temporaryDirectory('command');
    const controller = new AbortController();
    const pid = join(folder, 'pid');
    const running = shell(`sleep 600 & echo $! > ${pid}.part; mv ${pid}.part ${pid}; wait`, {
      signal: controller.signal,
    });
    while (!existsSync(pid)) await sleep(5);
    controller.abort();
    assert.equal((await errorOf(running)).end.kind, 'interrupted');
    await assertEnded(Number(readFileSync(pid, 'utf8')));
  });

  it('stops a command at once whose signal was aborted before', async () => {
    const { end } = await errorOf(shell('sleep 600', { signal: AbortSignal.abort() }));
    assert.equal(end.kind, 'interrupted');
  });

  it('kills a command that does not listen', async () => {
    const { end } = await errorOf(shell('trap "" TERM; sleep 600 & wait; sleep 600', { idleLimitMs: 300 }));
    assert.equal(end.kind, 'stuck');
  });

  it('stops a command whose input breaks, and does not end the input', async () => {
    const folder = await temporaryDirectory('command');
    const broken = new Failure('layer-corrupt', 'a test broke it');
    const breaking = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x');
      throw broken;
    };
    const { end } = await errorOf(shell(`cat > /dev/null; touch ${folder}/ended`, { input: breaking() }));
    assert.deepEqual(end, { kind: 'input-failed', error: broken });
    assert.equal(existsSync(join(folder, 'ended')), false);
  });

  it('stops a command that prints for ever, and keeps no more of it', async () => {
    const { end, output } = await errorOf(shell('yes'));
    assert.deepEqual(end, { kind: 'endless' });
    assert.ok(output.length <= 16_384);
  });

  it('stops a command that only prints, however slowly, when it has taken its input', async () => {
    const input = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('all of it');
    };
    const script = 'cat; while :; do echo more; sleep 0.02; done';
    const { end, output } = await errorOf(shell(script, { input: input(), idleLimitMs: 200 }));
    assert.deepEqual(end, { kind: 'endless' });
    assert.match(output, /^all of itmore\n/);
  });

  for (const [what, words] of [
    ['its group', ''],
    ['a session of its own', 'setsid'],
  ] as const) {
    it(`does not wait for a process in ${what} that keeps its pipes, and leaves it alone`, async () => {
      const folder = await temporaryDirectory('command');
      const pid = join(folder, 'pid');
      const script = `${words} sh -c 'echo $$ > ${pid}; exec sleep 600' & while ! [ -s ${pid} ]; do :; done; echo done`;
      assert.equal(await shell(script, { input: endless() }), 'done\n');
      const left = Number(readFileSync(pid, 'utf8'));
      assert.equal(isEnded(left), false);
      process.kill(left, 'SIGKILL');
    });

    it(`fails with its command although a process in ${what} keeps its pipes`, async () => {
      const folder = await temporaryDirectory('command');
      const pid = join(folder, 'pid');
      const script = `${words} sh -c 'echo $$ > ${pid}; exec sleep 600' & while ! [ -s ${pid} ]; do :; done; exit 3`;
      const { end } = await errorOf(shell(script));
      assert.deepEqual(end, { kind: 'failed', status: 'exit 3' });
      const left = Number(readFileSync(pid, 'utf8'));
      if (words === '') await assertEnded(left);
      else process.kill(left, 'SIGKILL');
    });

    it(`stops a command although a process in ${what} keeps its pipes`, async () => {
      const folder = await temporaryDirectory('command');
      const pid = join(folder, 'pid');
      const script = `${words} sh -c 'echo $$ > ${pid}; trap "" TERM; sleep 600' & sleep 600`;
      const { end } = await errorOf(shell(script, { idleLimitMs: 500 }));
      assert.equal(end.kind, 'stuck');
      if (words !== '') process.kill(-Number(readFileSync(pid, 'utf8')), 'SIGKILL');
    });
  }

  it('fails where there is no such program', async () => {
    const failure = await failureOf(runCommand(['/no/such/program', 'word'], { idleLimitMs: 60_000 }));
    assert.equal(failure.code, 'repository-unusable');
    assert.match(failure.message, /\/no\/such\/program/);
  });
});

/** An ended process may wait for its parent to notice. */
async function assertEnded(pid: number): Promise<void> {
  while (!isEnded(pid)) await sleep(5);
}

function isEnded(pid: number): boolean {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && ['ENOENT', 'ESRCH'].includes(String(error.code)))
      return true;
    throw error;
  }
}

async function program(script: string): Promise<string> {
  const path = join(await temporaryDirectory('version'), 'cvmfs_server');
  await writeFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return path;
}

describe('publisher/repository/cvmfs/server-command: readServerVersion', () => {
  for (const [release, minor] of [
    ['2.12', 12],
    ['2.14', 14],
  ] as const) {
    it(`finds ${release} in the usage that it prints`, async () => {
      const fixture = await createCvmfsFixture(release);
      const version = await readServerVersion(fixture.command);
      await fixture.close();
      assert.deepEqual(version, { major: 2, minor });
    });
  }

  const USAGE = 'Usage: cvmfs_server COMMAND [options] <parameters>';
  const CASES: readonly (readonly [what: string, script: string, expected: object | undefined])[] = [
    [
      'the head of a long usage',
      `echo 'CernVM-FS Server Tool 2.13.2-1'; seq 100000; exit 3`,
      { major: 2, minor: 13 },
    ],
    ['a warning in front', `echo WARNING; echo 'CernVM-FS Server Tool 2.9.4-1'`, { major: 2, minor: 9 }],
    ['a preliminary release', `echo 'CernVM-FS Server Tool 2.14.0~rc1-1'; exit 2`, { major: 2, minor: 14 }],
    ['a title without version', `echo 'CernVM-FS Server Tool '; echo '${USAGE}'; exit 3`, undefined],
    ['another program', 'echo 2.14.0', undefined],
    ['nothing', 'exit 1', undefined],
  ];
  for (const [what, script, expected] of CASES) {
    it(`${expected === undefined ? 'finds nothing in' : 'finds it in'} ${what}`, async () => {
      assert.deepEqual(await readServerVersion(await program(script)), expected);
    });
  }

  it('finds nothing where there is no program', async () => {
    assert.equal(await readServerVersion('/nowhere/cvmfs_server'), undefined);
  });
});
