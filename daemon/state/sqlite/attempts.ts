import { groupBy } from '../../../core/group-by.ts';
import { delayAfterMs } from '../backoff.ts';
import type { Attempt, Attempts, FailingImage, FailureNote, NewAttempt } from '../state.ts';
import type { Row, Statements } from './database.ts';
import { failureOf, failureValues, nameOf, numberOf, Table, textOf } from './table.ts';

export class AttemptsTable extends Table implements Attempts {
  async record(attempt: NewAttempt, isAskedFor = true): Promise<void> {
    const { failure } = attempt;
    await this.database.transaction(async (statements) => {
      await insert(statements, attempt);
      if (failure !== undefined) {
        if (isAskedFor) await fail(statements, attempt, failure);
      } else if (attempt.isWhole) await forget(statements, attempt.repository, attempt.publicName);
    });
  }

  async failing(repository: string): Promise<Map<string, FailingImage>> {
    const rows = await this.database.all(
      'SELECT * FROM failures WHERE repository = ? ORDER BY public_name',
      repository,
    );
    return new Map(rows.map((row) => [nameOf(row), failingOf(row)]));
  }

  async unwanted(): Promise<Map<string, string[]>> {
    const rows = await this.database.all(`
      SELECT repository, public_name FROM failures
      WHERE NOT EXISTS (SELECT 1 FROM wishes
                        WHERE wishes.repository = failures.repository AND wishes.public_name = failures.public_name)`);
    const byRepository = groupBy(rows, (row) => String(row['repository']));
    return new Map([...byRepository].map(([name, unwanted]) => [name, unwanted.map((row) => nameOf(row))]));
  }

  async forget(repository: string, publicNames: readonly string[]): Promise<void> {
    await this.deleteNames('failures', repository, publicNames);
  }

  async retry(image: string | undefined, nowMs: number): Promise<number> {
    const rows = await this.database.all(
      `UPDATE failures SET next_try = min(next_try, ?1) WHERE ?2 IS NULL OR image = ?2 OR public_name = ?2
       RETURNING public_name`,
      nowMs,
      image ?? null,
    );
    return rows.length;
  }

  async of(repository: string, publicName: string, most: number): Promise<Attempt[]> {
    const rows = await this.database.all(
      'SELECT * FROM attempts WHERE repository = ? AND public_name = ? ORDER BY id DESC LIMIT ?',
      [repository, publicName, most],
    );
    return rows.map(attemptOf);
  }
}

async function insert(statements: Statements, attempt: Attempt): Promise<void> {
  const { repository, publicName, platform, image, startedMs, finishedMs, bytes, failure } = attempt;
  await statements.run(
    `INSERT INTO attempts (repository, public_name, platform, image, started_at, finished_at, bytes, code, message, hint)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [repository, publicName, platform ?? null, image, startedMs, finishedMs, bytes],
    failureValues(failure),
  );
}

async function fail(statements: Statements, attempt: Attempt, failure: FailureNote): Promise<void> {
  const { repository, publicName, image, finishedMs } = attempt;
  const [before] = await statements.all(
    'SELECT * FROM failures WHERE repository = ? AND public_name = ?',
    repository,
    publicName,
  );
  const tries = (numberOf(before?.['tries']) ?? 0) + 1;
  const sinceMs = numberOf(before?.['since']) ?? finishedMs;
  await statements.run(
    'INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
    [repository, publicName, image, tries, sinceMs, finishedMs + delayAfterMs(tries, failure.code)],
    failureValues(failure),
  );
}

async function forget(statements: Statements, repository: string, publicName: string): Promise<void> {
  await statements.run(
    'DELETE FROM failures WHERE repository = ? AND public_name = ?',
    repository,
    publicName,
  );
}

function failingOf(row: Row): FailingImage {
  return {
    publicName: nameOf(row),
    image: String(row['image']),
    tries: Number(row['tries']),
    sinceMs: Number(row['since']),
    nextTryMs: Number(row['next_try']),
    failure: failureOf(row) ?? { code: 'unknown', message: '', hint: undefined },
  };
}

function attemptOf(row: Row): Attempt {
  return {
    repository: String(row['repository']),
    publicName: nameOf(row),
    platform: textOf(row['platform']),
    image: String(row['image']),
    startedMs: Number(row['started_at']),
    finishedMs: Number(row['finished_at']),
    bytes: Number(row['bytes']),
    failure: failureOf(row),
  };
}
