import { groupBy } from '../../../core/group-by.ts';
import {
  delayAfterMs,
  type Attempt,
  type Attempts,
  type Death,
  type Deaths,
  type FailingImage,
  type FailureNote,
  type NewAttempt,
  type Run,
  type UnderWay,
} from '../state.ts';
import {
  type Row,
  type Statements,
  Table,
  failureOf,
  failureValues,
  nameOf,
  numberOf,
  textOf,
} from './database.ts';

export class AttemptsTable extends Table implements Attempts {
  async record(attempt: NewAttempt, isAskedFor = true): Promise<void> {
    const { repository, publicName, platform, image, startedMs, finishedMs, bytes, failure } = attempt;
    await this.database.transaction(async (statements) => {
      await statements.run(
        `INSERT INTO attempts (repository, public_name, platform, image, started_at, finished_at, bytes, code, message, hint)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        [repository, publicName, platform ?? null, image, startedMs, finishedMs, bytes],
        failureValues(failure),
      );
      if (failure !== undefined) {
        if (isAskedFor) await fail(statements, attempt, failure);
      } else if (attempt.isWhole) {
        const values = [repository, publicName];
        await statements.run('DELETE FROM failures WHERE repository = ? AND public_name = ?', values);
      }
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
    return new Map([...byRepository].map(([name, unwanted]) => [name, unwanted.map(nameOf)]));
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

async function fail(statements: Statements, attempt: Attempt, failure: FailureNote): Promise<void> {
  const { repository, publicName, image, finishedMs } = attempt;
  const [before] = await statements.all('SELECT * FROM failures WHERE repository = ? AND public_name = ?', [
    repository,
    publicName,
  ]);
  const tries = (numberOf(before?.['tries']) ?? 0) + 1;
  const sinceMs = numberOf(before?.['since']) ?? finishedMs;
  await statements.run(
    'INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
    [repository, publicName, image, tries, sinceMs, finishedMs + delayAfterMs(tries, failure.code)],
    failureValues(failure),
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

const KEYS = 'repository, public_name, image, digest, stage';

export class DeathsTable extends Table implements Deaths {
  /** The record outlives the process, not the machine: nothing is synchronised. */
  async note(run: Run, begun: readonly UnderWay[], ended: readonly UnderWay[]): Promise<void> {
    await this.database.transaction(async (statements) => {
      if (ended.length > 0)
        await statements.run(
          `DELETE FROM under_way WHERE run = ? AND (repository, public_name, digest, stage) IN
           (SELECT value ->> 0, value ->> 1, value ->> 3, value ->> 4 FROM json_each(?))`,
          run.id,
          jsonOf(ended),
        );
      if (begun.length > 0)
        await statements.run(
          `INSERT OR REPLACE INTO under_way (run, spool, ${KEYS})
           SELECT ?, ?, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?)`,
          run.id,
          run.spool,
          jsonOf(begun),
        );
    });
  }

  async end(run: Run): Promise<void> {
    await this.database.run('DELETE FROM under_way WHERE run = ?', run.id);
  }

  async count(run: Run, nowMs: number): Promise<Death[]> {
    return await this.database.transaction(async (statements) => {
      const rows = await statements.all(
        `SELECT ${KEYS}, (SELECT count(DISTINCT repository || ' ' || public_name) FROM under_way AS beside
                          WHERE beside.run = under_way.run) = 1 AS alone
         FROM under_way WHERE spool = ?1 AND run <> ?2 GROUP BY run, repository, public_name`,
        run.spool,
        run.id,
      );
      const deaths: Death[] = [];
      for (const row of rows) deaths.push(await countOne(statements, row, nowMs));
      await statements.run('DELETE FROM under_way WHERE spool = ? AND run <> ?', run.spool, run.id);
      return deaths;
    });
  }

  async of(repository: string): Promise<Map<string, Death>> {
    const rows = await this.database.all(
      'SELECT * FROM deaths WHERE repository = ? ORDER BY public_name',
      repository,
    );
    return new Map(rows.map((row) => [nameOf(row), deathOf(row)]));
  }

  async forget(repository: string, publicNames: readonly string[]): Promise<void> {
    await this.deleteNames('deaths', repository, publicNames);
  }

  async retry(image: string | undefined): Promise<void> {
    await this.database.run(
      `UPDATE deaths SET count = NOT EXISTS (SELECT 1 FROM under_way AS work
         WHERE work.repository = deaths.repository AND work.public_name = deaths.public_name)
       WHERE ?1 IS NULL OR image = ?1 OR public_name = ?1`,
      image ?? null,
    );
  }
}

async function countOne(statements: Statements, row: Row, nowMs: number): Promise<Death> {
  const [death] = await statements.all(
    `INSERT INTO deaths (${KEYS}, alone, count, last) VALUES (?, ?, ?, ?, ?, ?, 1, ?)
     ON CONFLICT (repository, public_name) DO UPDATE SET image = excluded.image, digest = excluded.digest,
     stage = excluded.stage, alone = excluded.alone, count = count + 1, last = excluded.last
     RETURNING *`,
    [...KEYS.split(', '), 'alone'].map((column) => row[column] ?? null),
    nowMs,
  );
  return deathOf(death ?? row);
}

/** An unknown digest is an empty text, since it is part of a key. */
function jsonOf(all: readonly UnderWay[]): string {
  return JSON.stringify(
    all.map((one) => [one.repository, one.publicName, one.image, one.digest ?? '', one.stage]),
  );
}

function deathOf(row: Row): Death {
  return {
    repository: String(row['repository']),
    publicName: nameOf(row),
    image: String(row['image']),
    digest: textOf(row['digest']) || undefined,
    stage: String(row['stage']),
    count: Number(row['count']),
    isAlone: row['alone'] === 1,
    lastMs: Number(row['last']),
  };
}
