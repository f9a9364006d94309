import { UNREACHABLE } from '../../publisher/image/own-failure.ts';
import { groupBy } from '../../core/group-by.ts';
import type { Database, Row, Statements } from './database.ts';
import { failureOf, failureValues, numberOf, textOf, type FailureNote } from './failure-columns.ts';

/** One try to publish an image. Times are in ms since 1970. */
export interface Attempt {
  readonly repository: string;
  readonly publicName: string;
  /** `undefined`: all its platforms. */
  readonly platform: string | undefined;
  readonly image: string;
  readonly startedMs: number;
  readonly finishedMs: number;
  /** Of layers that had to be fetched. */
  readonly bytes: number;
  /** `undefined`: it was published. */
  readonly failure: FailureNote | undefined;
}

export interface NewAttempt extends Attempt {
  /** Whether no other platform of the image failed in the same cycle. */
  readonly isWhole: boolean;
}

/** An image that could not be published the last time. */
export interface FailingRow {
  readonly publicName: string;
  readonly image: string;
  /** How often in a row. */
  readonly tries: number;
  readonly sinceMs: number;
  readonly nextTryMs: number;
  readonly failure: FailureNote;
}

const MINUTE_MS = 60_000;
const SHORTEST_DELAY_MS = 5 * MINUTE_MS;
export const LONGEST_DELAY_MS = 24 * 60 * MINUTE_MS;

/** Asked again, a dead registry costs few connections, however many images it has (`Reachability`). */
const LONGEST_UNREACHABLE_MS = 15 * MINUTE_MS;

/**
 * How long after a failure with `code` an image is tried again: 5 minutes, twice as long each time, at most a day; a quarter
 * of an hour where its registry cannot be reached.
 */
export function delayAfterMs(tries: number, code: string): number {
  const longestMs = UNREACHABLE.has(code) ? LONGEST_UNREACHABLE_MS : LONGEST_DELAY_MS;
  return Math.min(SHORTEST_DELAY_MS * 2 ** Math.min(tries - 1, 20), longestMs);
}

/** Whether an image may be tried; a clock that was set back must not hold it back for longer than a day. */
export function isDue({ nextTryMs }: Pick<FailingRow, 'nextTryMs'>, nowMs: number): boolean {
  return nextTryMs <= nowMs || nextTryMs > nowMs + LONGEST_DELAY_MS;
}

/** What was tried, and which images fail. */
export class AttemptsTable {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @param isAskedFor whether the image fails where this did, or it was the try of one run alone */
  async record(attempt: NewAttempt, isAskedFor = true): Promise<void> {
    const { failure } = attempt;
    await this.#database.transaction(async (statements) => {
      await insert(statements, attempt);
      if (failure !== undefined) {
        if (isAskedFor) await fail(statements, attempt, failure);
      } else if (attempt.isWhole) await forget(statements, attempt.repository, attempt.publicName);
    });
  }

  /** The images of `repository` that fail, by their public names. */
  async failing(repository: string): Promise<Map<string, FailingRow>> {
    const rows = await this.#database.all(
      'SELECT * FROM failures WHERE repository = ? ORDER BY public_name',
      repository,
    );
    return new Map(rows.map((row) => [String(row['public_name']), failingOf(row)]));
  }

  /** By repository, the public names of images that fail and that no line asks for. */
  async unwanted(): Promise<Map<string, string[]>> {
    const rows = await this.#database.all(`
      SELECT repository, public_name FROM failures
      WHERE NOT EXISTS (SELECT 1 FROM wishes
                        WHERE wishes.repository = failures.repository AND wishes.public_name = failures.public_name)`);
    const byRepository = groupBy(rows, (row) => String(row['repository']));
    return new Map(
      [...byRepository].map(([name, unwanted]) => [name, unwanted.map((row) => String(row['public_name']))]),
    );
  }

  /** Forgets failures of images that are not wanted any more, or that are fine after all. Tries stay. */
  async forget(repository: string, publicNames: readonly string[]): Promise<void> {
    if (publicNames.length === 0) return;
    await this.#database.transaction(async (statements) => {
      for (const name of publicNames) await forget(statements, repository, name);
    });
  }

  /**
   * Lets images be tried at once.
   *
   * @param image a reference or public name; `undefined` for all that fail
   * @returns how many there are
   */
  async retry(image: string | undefined, nowMs: number): Promise<number> {
    return await this.#database.transaction(async (statements) => {
      const rows = await statements.all(
        `UPDATE failures SET next_try = min(next_try, ?1) WHERE ?2 IS NULL OR image = ?2 OR public_name = ?2
         RETURNING public_name`,
        nowMs,
        image ?? null,
      );
      return rows.length;
    });
  }

  /** The last tries of one image, the latest first. */
  async of(repository: string, publicName: string, most: number): Promise<Attempt[]> {
    const rows = await this.#database.all(
      'SELECT * FROM attempts WHERE repository = ? AND public_name = ? ORDER BY id DESC LIMIT ?',
      [repository, publicName, most],
    );
    return rows.map(attemptOf);
  }

  async dropOlderThan(ms: number): Promise<void> {
    await this.#database.transaction(async (statements) => {
      await statements.run('DELETE FROM attempts WHERE finished_at < ?', ms);
    });
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

function failingOf(row: Row): FailingRow {
  return {
    publicName: String(row['public_name']),
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
    publicName: String(row['public_name']),
    platform: textOf(row['platform']),
    image: String(row['image']),
    startedMs: Number(row['started_at']),
    finishedMs: Number(row['finished_at']),
    bytes: Number(row['bytes']),
    failure: failureOf(row),
  };
}
