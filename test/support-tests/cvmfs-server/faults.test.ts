import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { faults } from '../../support/cvmfs-server/fixture.ts';
import type { CvmfsFixture, FaultPoint } from '../../support/cvmfs-server/fixture.ts';
import { archive, encode } from './archive.ts';
import { names } from './listing.ts';
import { succeeded } from './steps.ts';
import { REPOSITORY, describeDouble, run } from './subject.ts';
import type { Outcome } from './subject.ts';

const INGEST = ['ingest', '-k', '-t', '-', '-b', '/', REPOSITORY];
const STREAM = archive({ name: 'folder', type: 'directory' }, { name: 'folder/file', content: '1' });
const CLEAN = '(stratum0 / local)';
const OPEN = '(stratum0 / local - in transaction)';
const DYING = '(stratum0 / local - in transaction - unhealthy)';
const EINVAL = 22;

async function ingest(fixture: CvmfsFixture): Promise<Outcome> {
  return run(fixture.command, INGEST, STREAM);
}

async function state(fixture: CvmfsFixture): Promise<string> {
  const { stdout } = await run(fixture.command, ['list']);
  return stdout.trim().slice(REPOSITORY.length + 1);
}

function locks(fixture: CvmfsFixture): string[] {
  return readdirSync(join(fixture.spool, REPOSITORY)).filter((name) => name.endsWith('.lock'));
}

/** An ingestion that has opened its transaction. */
async function begun(fixture: CvmfsFixture): Promise<ChildProcess> {
  const child = spawn(fixture.command, INGEST, { cwd: '/', stdio: ['pipe', 'pipe', 'ignore'] });
  await once(child.stdout, 'data');
  return child;
}

async function ended(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return [child.exitCode, child.signalCode];
}

async function waitUntil(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describeDouble('support-tests/cvmfs-server/faults: faults', (double) => {
  for (const fault of [faults.open, faults.ingest, faults.publish]) {
    it(`fails at ${fault.at}, changes nothing, and leaves no transaction`, async () => {
      const fixture = double();
      fixture.inject(fault);
      assert.equal((await ingest(fixture)).exitCode, 1);
      assert.equal(fixture.publications(REPOSITORY), 0);
      assert.deepEqual([await state(fixture), locks(fixture)], [CLEAN, []]);
      fixture.inject(undefined);
      succeeded(await ingest(fixture));
      assert.deepEqual(names(fixture.view(REPOSITORY), ''), ['.', 'folder', 'folder/file']);
    });
  }

  it('fails for somebody who holds the repository, with the transaction open', async () => {
    const fixture = double();
    fixture.inject(faults.holders);
    const outcome = await ingest(fixture);
    assert.equal(outcome.exitCode, 1);
    assert.match(outcome.stdout, /proceed anyway.*aborted/);
    assert.equal(await state(fixture), OPEN);
    succeeded(await run(fixture.command, ['abort', '-f', REPOSITORY]));
    assert.equal(await state(fixture), CLEAN);
  });

  it('fails as often as told', async () => {
    const fixture = double();
    fixture.inject({ ...faults.ingest, times: 2 });
    const exitCodes = [await ingest(fixture), await ingest(fixture), await ingest(fixture)].map(
      ({ exitCode }) => exitCode,
    );
    assert.deepEqual(exitCodes, [1, 1, 0]);
  });

  it('leaves a union transaction open where its publication fails', async () => {
    const fixture = double();
    succeeded(await run(fixture.command, ['transaction', REPOSITORY]));
    fixture.inject(faults.publish);
    assert.equal((await run(fixture.command, ['publish', REPOSITORY])).exitCode, 1);
    assert.equal(await state(fixture), OPEN);
    fixture.inject(undefined);
    succeeded(await run(fixture.command, ['publish', REPOSITORY]));
    assert.equal(fixture.publications(REPOSITORY), 1);
  });

  const deaths: readonly { at: FaultPoint; entries?: number; published: number; visible: string[] }[] = [
    { at: 'open', published: 0, visible: ['.'] },
    { at: 'read', entries: 1, published: 0, visible: ['.'] },
    { at: 'commit', published: 0, visible: ['.'] },
    { at: 'remount', published: 1, visible: ['.'] },
    { at: 'close', published: 1, visible: ['.', 'folder', 'folder/file'] },
  ];
  for (const { published, visible, ...point } of deaths) {
    it(`dies at ${point.at}; an abort shows what was published`, async () => {
      const fixture = double();
      fixture.inject({ action: 'kill', ...point });
      assert.equal((await ingest(fixture)).exitCode, null);
      assert.equal(fixture.publications(REPOSITORY), published);
      assert.deepEqual(names(fixture.view(REPOSITORY), ''), visible);
      assert.equal(await state(fixture), point.at === 'open' ? OPEN : DYING);
      const both = ['in_transaction.lock', 'is_publishing.lock'];
      assert.deepEqual(locks(fixture), point.at === 'open' ? both.slice(0, 1) : both);

      fixture.inject(undefined);
      const next = await ingest(fixture);
      assert.equal(next.exitCode, 1);
      assert.match(next.stderr, point.at === 'open' ? /already open/ : /is in a transaction/);
      succeeded(await run(fixture.command, ['abort', '-f', REPOSITORY]));
      assert.deepEqual([await state(fixture), locks(fixture)], [CLEAN, []]);
      const shown = published === 0 ? ['.'] : ['.', 'folder', 'folder/file'];
      assert.deepEqual(names(fixture.view(REPOSITORY), ''), shown);
      succeeded(await ingest(fixture));
      assert.equal(fixture.publications(REPOSITORY), published + 1);
    });
  }

  it('hangs at the remount with an empty view, until a signal ends it; then an abort shows the new revision', async () => {
    const fixture = double();
    succeeded(await ingest(fixture));
    fixture.inject(faults['hang-remount']);
    const child = await begun(fixture);
    child.stdin?.end(archive({ name: 'new' }));
    await waitUntil(() => fixture.publications(REPOSITORY) === 2);
    // One look: the view changes at once, also between the two looks at a file that a listing takes.
    await waitUntil(() => !existsSync(join(fixture.view(REPOSITORY), 'folder')));
    assert.deepEqual(names(fixture.view(REPOSITORY), ''), ['.']);
    assert.deepEqual(locks(fixture), ['in_transaction.lock', 'is_publishing.lock']);
    assert.equal((await run(fixture.command, ['abort', '-f', REPOSITORY])).exitCode, EINVAL);
    child.kill('SIGTERM');
    assert.deepEqual(await ended(child), [32, null]);
    assert.deepEqual(locks(fixture), ['in_transaction.lock']);

    const abort = spawn(fixture.command, ['abort', '-f', REPOSITORY], { cwd: '/', stdio: 'ignore' });
    await waitUntil(() => locks(fixture).length === 2);
    abort.kill('SIGKILL');
    await ended(abort);
    fixture.inject(undefined);
    succeeded(await run(fixture.command, ['abort', '-f', REPOSITORY]));
    assert.deepEqual(names(fixture.view(REPOSITORY), ''), ['.', 'folder', 'folder/file', 'new']);
  });

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`aborts at ${signal} while it hangs reading`, async () => {
      const fixture = double();
      fixture.inject(faults['hang-read']);
      const child = await begun(fixture);
      child.stdin?.end(STREAM);
      await waitUntil(() => existsSync(join(fixture.spool, REPOSITORY, 'scratch', 'next', 'folder')));
      child.kill(signal);
      assert.deepEqual(await ended(child), [1, null]);
      assert.deepEqual([await state(fixture), locks(fixture)], [CLEAN, []]);
    });
  }

  it('refuses everybody else while an ingestion reads', async () => {
    const fixture = double();
    const child = await begun(fixture);
    child.stdin?.write(encode({ name: 'folder', type: 'directory' }));
    await waitUntil(() => locks(fixture).length === 2);
    assert.equal(await state(fixture), DYING);
    const others: readonly (readonly [string[], number])[] = [
      [INGEST, 1],
      [['transaction', REPOSITORY], 1],
      [['publish', REPOSITORY], 1],
      [['abort', '-f', REPOSITORY], EINVAL],
      [['tag', '-l', REPOSITORY], 1],
    ];
    for (const [words, exitCode] of others) {
      assert.equal((await run(fixture.command, words, STREAM)).exitCode, exitCode, words.join(' '));
    }
    child.stdin?.end(archive({ name: 'folder/file' }));
    assert.deepEqual(await ended(child), [0, null]);
    assert.deepEqual(names(fixture.view(REPOSITORY), ''), ['.', 'folder', 'folder/file']);
  });
});

describeDouble('support-tests/cvmfs-server/faults: the fixture', (double) => {
  it('knows each call with its arguments, its exit status and the revisions around it', async () => {
    const fixture = double();
    succeeded(await ingest(fixture));
    await run(fixture.command, ['transaction', 'unknown.unpackd.test']);
    fixture.inject({ action: 'kill', at: 'read' });
    await ingest(fixture);
    const unfinished = { revisionAfter: undefined, exitCode: undefined };
    const call = { command: 'ingest', arguments: INGEST.slice(1), repository: REPOSITORY };
    assert.deepEqual(fixture.calls(), [
      { ...call, revisionBefore: 1, revisionAfter: 2, exitCode: 0 },
      {
        command: 'transaction',
        arguments: ['unknown.unpackd.test'],
        repository: 'unknown.unpackd.test',
        revisionBefore: undefined,
        revisionAfter: undefined,
        exitCode: 1,
      },
      { ...call, revisionBefore: 2, ...unfinished },
    ]);
  });

  it('has several repositories, and finds its program on the PATH of its environment', async () => {
    const fixture = double();
    await fixture.repository('another.unpackd.test');
    const { stdout } = await run('/usr/bin/env', [
      `PATH=${fixture.environment['PATH'] ?? ''}`,
      'cvmfs_server',
      'list',
    ]);
    assert.equal(stdout, `another.unpackd.test (stratum0 / local)  \n${REPOSITORY} (stratum0 / local)  \n`);
  });

  it('removes everything, whatever the names', async () => {
    const fixture = double();
    succeeded(await run(fixture.command, INGEST, archive({ name: '\xe9/\xff\n' })));
    await fixture.close();
    assert.equal(existsSync(fixture.top), false);
  });
});
