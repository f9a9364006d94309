import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

import { createCvmfsFixture } from '../../support/cvmfs-server/fixture.ts';
import type { CvmfsFixture, Release } from '../../support/cvmfs-server/fixture.ts';
import { describeWith, findProgram } from '../../support/programs.ts';
import { archive } from './archive.ts';

export interface Outcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The server under test: the double, or a real release manager. */
export interface Subject {
  readonly repository: string;
  /** A directory of the repository that no other tests use; its name sorts as plain letters. */
  readonly top: string;
  /** Only of the double. */
  readonly fixture: CvmfsFixture | undefined;
  run(words: readonly string[], input?: Buffer): Promise<Outcome>;
  /** The reading view of the repository. */
  readonly view: string;
  /** Where a union transaction writes. */
  readonly union: string;
  close(): Promise<void>;
}

const REAL = process.env['UNPACKD_CVMFS_REPOSITORY'];

type Cases = (subject: () => Subject) => void;

/**
 * Describes cases that hold for both servers. They run on the double; with UNPACKD_CVMFS_REPOSITORY they run on that
 * repository of this machine, which must have been made for this run, with CVMFS_INCLUDE_XATTRS=true and no automatic
 * tags. After each of them the server's own check finds nothing.
 */
export function describeServer(title: string, cases: Cases): void {
  describeBoth(title, (subject) => {
    cases(subject);
    // Later than the hooks of the cases, which run in the order in which they were given.
    afterEach(async () => assertClean(subject()));
  });
}

/** Cases that leave the catalogs of the repository corrupt. */
export function describeWreckage(title: string, cases: Cases): void {
  describeBoth(title, cases);
}

function describeBoth(title: string, cases: Cases): void {
  const [needed, server] =
    REAL === undefined ? [[], 'double of cvmfs_server'] : [['cvmfs_server'], 'cvmfs_server'];
  describeWith(needed, `${server}: ${title}`, () => {
    let subject: Subject | undefined;
    before(async () => {
      subject = await (REAL === undefined ? openDouble() : openReal(REAL));
      await makeTop(subject);
    });
    after(async () => subject?.close());
    cases(() => {
      if (subject === undefined) throw new Error('the cases have not begun');
      return subject;
    });
  });
}

/** Cases on what only the double has: faults, records of its calls. */
export function describeDouble(
  title: string,
  cases: (fixture: () => CvmfsFixture) => void,
  release?: Release,
): void {
  (REAL === undefined ? describe : describe.skip)(`double of cvmfs_server: ${title}`, () => {
    let fixture: CvmfsFixture | undefined;
    beforeEach(async () => {
      fixture = await createCvmfsFixture(release);
      await fixture.repository(REPOSITORY);
    });
    afterEach(async () => {
      await fixture?.close();
      fixture = undefined;
    });
    cases(() => {
      if (fixture === undefined) throw new Error('the cases have not begun');
      return fixture;
    });
  });
}

/** Of the double without a process: it is asked after every case. */
async function assertClean(subject: Subject): Promise<void> {
  if (subject.fixture !== undefined) {
    assert.deepEqual(subject.fixture.problems(subject.repository), []);
    return;
  }
  const { exitCode, stdout, stderr } = await subject.run(['check', subject.repository]);
  assert.equal(exitCode, 0, `cvmfs_server check: ${stderr}${stdout}`);
}

export const REPOSITORY = 'double.unpackd.test';

async function openDouble(): Promise<Subject> {
  const fixture = await createCvmfsFixture();
  await fixture.repository(REPOSITORY, { xattrs: true });
  return {
    repository: REPOSITORY,
    top: 'cases',
    fixture,
    run: async (words, input) => run(fixture.command, words, input),
    view: fixture.view(REPOSITORY),
    union: `${fixture.root}/${REPOSITORY}`,
    close: () => fixture.close(),
  };
}

async function openReal(repository: string): Promise<Subject> {
  const command = findProgram('cvmfs_server') ?? 'cvmfs_server';
  const top = `cases-${randomBytes(4).toString('hex')}`;
  return {
    repository,
    top,
    fixture: undefined,
    run: async (words, input) => run(command, words, input),
    view: `/var/spool/cvmfs/${repository}/rdonly`,
    union: `/cvmfs/${repository}`,
    async close() {
      await run(command, ['abort', '-f', repository]);
      await run(command, ['ingest', '-d', top, repository]);
    },
  };
}

/** Named and owned by root: in a directory whose owner is -1 a union transaction cannot write. */
async function makeTop(subject: Subject): Promise<void> {
  const stream = archive({ name: subject.top, type: 'directory', uid: 0, gid: 0 });
  await subject.run(['ingest', '-k', '-t', '-', '-b', '/', subject.repository], stream);
}

export async function run(
  command: string,
  words: readonly string[],
  input: Buffer = Buffer.alloc(0),
): Promise<Outcome> {
  const child = spawn(command, words, { cwd: '/', stdio: 'pipe' });
  // A server that gives up does not read to the end.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), closed(child)]);
  return { exitCode: child.exitCode, stdout, stderr };
}

async function closed(child: ReturnType<typeof spawn>): Promise<void> {
  await once(child, 'close');
}
