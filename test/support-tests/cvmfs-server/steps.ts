import assert from 'node:assert/strict';

import { archive } from './archive.ts';
import type { Member } from './archive.ts';
import type { Outcome, Subject } from './subject.ts';

/** `ingest -k -t - -b /` of these members. */
export async function ingest(subject: Subject, ...members: Member[]): Promise<Outcome> {
  return ingestStream(subject, archive(...members));
}

export async function ingestStream(subject: Subject, stream: Buffer, ...options: string[]): Promise<Outcome> {
  return subject.run(['ingest', '-k', ...options, '-t', '-', '-b', '/', subject.repository], stream);
}

/** For what a case needs before it begins. */
export async function given(subject: Subject, ...members: Member[]): Promise<void> {
  succeeded(await ingest(subject, ...members));
}

export function succeeded(outcome: Outcome): void {
  assert.equal(outcome.exitCode, 0, outcome.stderr + outcome.stdout);
}

/** Exit status 1, nothing published, no transaction left. */
export async function refused(subject: Subject, attempt: () => Promise<Outcome>): Promise<Outcome> {
  const before = await revision(subject);
  const outcome = await attempt();
  assert.equal(outcome.exitCode, 1, outcome.stderr + outcome.stdout);
  assert.equal(await revision(subject), before);
  assert.match(await state(subject), /^\(stratum0 \/ local\)$/);
  return outcome;
}

/** The last published one; of the double without a process, because nearly every case asks. */
export async function revision(subject: Subject): Promise<number> {
  if (subject.fixture !== undefined) return subject.fixture.publications(subject.repository) + 1;
  return taggedRevision(subject);
}

/** As `tag -l` has it. */
export async function taggedRevision(subject: Subject): Promise<number> {
  const { stdout } = await subject.run(['tag', '-l', subject.repository]);
  const found = /^trunk\s+│\s+(\d+)/m.exec(stdout)?.[1];
  assert.notEqual(found, undefined, stdout);
  return Number(found);
}

/** What `list` says of the repository. */
export async function state(subject: Subject): Promise<string> {
  const { stdout } = await subject.run(['list']);
  const line = stdout.split('\n').find((candidate) => candidate.startsWith(`${subject.repository} `));
  assert.notEqual(line, undefined, stdout);
  return (line ?? '').slice(subject.repository.length).trim();
}
