import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';

import { archive } from './archive.ts';
import { names } from './listing.ts';
import { given, ingest, revision, state, succeeded, taggedRevision } from './steps.ts';
import { describeServer } from './subject.ts';

const EEXIST = 17;
const EINTR = 4;
const EINVAL = 22;

describeServer('support-tests/cvmfs-server/transactions: transactions', (server) => {
  afterEach(async () => {
    await server().run(['abort', '-f', server().repository]);
  });

  it('are listed, lock the repository against others, and end without effect at an abort', async () => {
    const subject = server();
    const { repository } = subject;
    const before = await revision(subject);
    assert.equal(await state(subject), '(stratum0 / local)');
    succeeded(await subject.run(['transaction', repository]));
    assert.equal(await state(subject), '(stratum0 / local - in transaction)');
    writeFileSync(`${subject.union}/written`, '');

    const second = await subject.run(['transaction', repository]);
    assert.equal(second.exitCode, EEXIST);
    assert.match(second.stderr, /another transaction is already open/);
    const third = await ingest(subject, { name: `${subject.top}/third` });
    assert.equal(third.exitCode, 1);
    assert.match(third.stderr, /another transaction is already open/);
    assert.equal(await state(subject), '(stratum0 / local - in transaction)');
    assert.equal(existsSync(`${subject.union}/written`), true);

    succeeded(await subject.run(['abort', '-f', repository]));
    assert.equal(await state(subject), '(stratum0 / local)');
    assert.equal(existsSync(`${subject.union}/written`), false);
    assert.equal(await revision(subject), before);
  });

  const answers = [
    { answer: 'y\n', exitCode: 0, left: '(stratum0 / local)' },
    { answer: 'n\n', exitCode: EINTR, left: '(stratum0 / local - in transaction)' },
    { answer: '', exitCode: 0, left: '(stratum0 / local)' },
  ];
  for (const { answer, exitCode, left } of answers) {
    it(`ask before an abort without -f, and take ${JSON.stringify(answer)} for an answer`, async () => {
      const subject = server();
      succeeded(await subject.run(['transaction', subject.repository]));
      const outcome = await subject.run(['abort', subject.repository], Buffer.from(answer));
      assert.equal(outcome.exitCode, exitCode);
      assert.equal(await state(subject), left);
    });
  }

  it('cannot be aborted or published where there is none', async () => {
    const subject = server();
    assert.equal((await subject.run(['abort', '-f', subject.repository])).exitCode, EINVAL);
    const outcome = await subject.run(['publish', subject.repository]);
    assert.equal(outcome.exitCode, 1);
    assert.match(outcome.stdout, /not in a transaction/);
  });

  it('leave locks in the spool area while they are open, and none after', async () => {
    const subject = server();
    const flag = `${subject.view}/../in_transaction.lock`.replace('/rdonly/..', '');
    assert.equal(existsSync(flag), false);
    succeeded(await subject.run(['transaction', subject.repository]));
    assert.equal(existsSync(flag), true);
    succeeded(await subject.run(['abort', '-f', subject.repository]));
    assert.equal(existsSync(flag), false);
  });
});

describeServer('support-tests/cvmfs-server/transactions: commands', (server) => {
  it('number the revisions', async () => {
    const subject = server();
    const before = await taggedRevision(subject);
    await given(subject, { name: `${subject.top}/revision` });
    assert.equal(await taggedRevision(subject), before + 1);
    const { stdout } = await subject.run(['tag', '-l', '-x', subject.repository]);
    assert.match(stdout, new RegExp(`^trunk \\S+ \\d+ ${before + 1} `, 'm'));
    assert.match(stdout, new RegExp(`^trunk-previous \\S+ \\d+ ${before} `, 'm'));
  });

  const unknown: readonly (readonly [string[], number])[] = [
    [['transaction', 'unknown.unpackd.test'], 1],
    [['abort', '-f', 'unknown.unpackd.test'], 1],
    [['publish', 'unknown.unpackd.test'], 1],
    [['check', 'unknown.unpackd.test'], 1],
    [['tag', '-l', 'unknown.unpackd.test'], 1],
    [['list-catalogs', 'unknown.unpackd.test'], 1],
    [['ingest', '-k', '-t', '-', '-b', '/', 'unknown.unpackd.test'], 2],
  ];
  for (const [words, exitCode] of unknown) {
    it(`fail with ${exitCode} on an unknown repository: ${words.join(' ')}`, async () => {
      const outcome = await server().run(words, archive({ name: 'file' }));
      assert.equal(outcome.exitCode, exitCode);
      assert.match(outcome.stderr, /unknown\.unpackd\.test/);
    });
  }

  const incomplete = [
    [],
    ['-b', '/'],
    ['-t', '-'],
    ['-k', '-u', 'root', '-t', '-', '-b', '/'],
    ['-g', 'root', '-t', '-', '-b', '/'],
    ['-u', 'no-such-user', '-g', 'root', '-t', '-', '-b', '/'],
  ];
  for (const words of incomplete) {
    it(`refuse ingest ${words.join(' ')}`, async () => {
      const subject = server();
      const before = await revision(subject);
      const outcome = await subject.run(['ingest', ...words, subject.repository], archive({ name: 'file' }));
      assert.equal(outcome.exitCode, 1);
      assert.notEqual(outcome.stderr, '');
      assert.equal(await revision(subject), before);
    });
  }

  it('fail with 3 where they do not exist', async () => {
    assert.equal((await server().run(['no-such-command'])).exitCode, 3);
  });

  it('show one state through the reading view until a publication ends', async () => {
    const subject = server();
    await given(subject, { name: `${subject.top}/view/before` });
    succeeded(await subject.run(['transaction', subject.repository]));
    writeFileSync(`${subject.union}/${subject.top}-written`, '');
    assert.deepEqual(names(subject.view, `${subject.top}-written`), []);
    succeeded(await subject.run(['publish', subject.repository]));
    assert.deepEqual(names(subject.view, `${subject.top}-written`), ['.']);
    assert.deepEqual(names(subject.union, `${subject.top}-written`), ['.']);
    succeeded(await subject.run(['ingest', '-d', `${subject.top}-written`, subject.repository]));
  });
});
