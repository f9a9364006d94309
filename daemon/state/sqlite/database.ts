import sqlite3 from 'sqlite3';
import { existsSync, statSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { Failure } from '../../../core/failure.ts';
import { codeOf } from '../../../core/system-error.ts';
import { diskFull, unusable } from '../../../core/system-failure.ts';
import { quoted } from '../../../core/text.ts';
import { redact } from '../../configuration/secrets.ts';
import type { FailureNote } from '../state.ts';

/** A value of a column. */
export type Value = string | number | null;
export type Row = Readonly<Record<string, Value>>;

/** For the `?` of a statement, in order, with lists among them. */
export type Values = readonly (Value | readonly Value[])[];

/** Time in ms after which a statement fails because another process holds the database. */
export const BUSY_MS = 3000;

/** Statements, one after the other. Errors are those of sqlite3, with a `code` such as `SQLITE_CONSTRAINT`. */
export interface Statements {
  run(sql: string, ...values: Values): Promise<void>;
  all(sql: string, ...values: Values): Promise<readonly Row[]>;
  /** Several statements without values. */
  script(sql: string): Promise<void>;
}

/**
 * One connection to a SQLite database, in which statements of different callers do not mix: what runs in a transaction
 * runs alone.
 */
export class Database {
  readonly path: string;
  readonly #connection: sqlite3.Database;
  /** When all that was asked for before is done. */
  #before: Promise<unknown> = Promise.resolve();

  constructor(path: string, connection: sqlite3.Database) {
    this.path = path;
    this.#connection = connection;
  }

  /** @throws Failure `state-unusable`, `disk-full`; Damaged */
  static async open(path: string): Promise<Database> {
    return await connect(path, path, sqlite3.OPEN_READWRITE | sqlite3.OPEN_CREATE);
  }

  /**
   * Opens it read-only, also for users who may not write there and while others write: no file is made or changed.
   * Writers of a database in WAL mode keep two files beside it; if these are missing nobody writes, and SQLite,
   * which would create them, is opened with "immutable". So it is where a writer was killed after the first bytes of
   * the log: of a log that is a header and nothing else, SQLite says after ten seconds that others contend for it.
   *
   * @see https://www.sqlite.org/wal.html "Read-Only Databases", https://www.sqlite.org/c3ref/open.html "immutable"
   * @throws Failure `state-unusable`; Damaged
   */
  static async openToRead(path: string): Promise<Database> {
    const address = pathToFileURL(path);
    const isInUse = existsSync(`${path}-shm`) && hasLog(`${path}-wal`);
    address.searchParams.set(isInUse ? 'readonly_shm' : 'immutable', '1');
    return await connect(path, address.href, sqlite3.OPEN_READONLY | sqlite3.OPEN_URI);
  }

  /**
   * Gives `work` the connection for itself.
   *
   * @throws Failure `state-unusable`, `disk-full`; Damaged
   */
  async alone<T>(work: (statements: Statements) => Promise<T>): Promise<T> {
    const mine = this.#before.then(async () => await work(this.#statements));
    this.#before = mine.catch(() => undefined);
    try {
      return await mine;
    } catch (error) {
      throw databaseFailure(error, this.path);
    }
  }

  /** Does all of `work` or nothing of it. */
  async transaction<T>(work: (statements: Statements) => Promise<T>): Promise<T> {
    return await this.alone(async (statements) => {
      await statements.run('BEGIN IMMEDIATE');
      try {
        const result = await work(statements);
        await statements.run('COMMIT');
        return result;
      } catch (error) {
        // Some errors have ended it already; the first one says why.
        await statements.run('ROLLBACK').catch(() => undefined);
        throw error;
      }
    });
  }

  async all(sql: string, ...values: Values): Promise<readonly Row[]> {
    return await this.alone(async (statements) => await statements.all(sql, ...values));
  }

  /** Runs one statement. */
  async run(sql: string, ...values: Values): Promise<void> {
    await this.alone(async (statements) => await statements.run(sql, ...values));
  }

  async close(): Promise<void> {
    await this.alone(async () => void (await completion((done) => this.#connection.close(done))));
  }

  readonly #statements: Statements = {
    run: async (sql, ...values) =>
      void (await completion((done) => this.#connection.run(sql, values.flat(), done))),
    all: async (sql, ...values) =>
      (await completion<Row[]>((done) => this.#connection.all(sql, values.flat(), done))) ?? [],
    script: async (sql) => void (await completion((done) => this.#connection.exec(sql, done))),
  };
}

/** Reports whether a log is there that is more or less than its header. */
function hasLog(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && found.size !== WAL_HEADER_BYTES;
}

/** @see https://www.sqlite.org/fileformat2.html#walformat */
const WAL_HEADER_BYTES = 32;

/** Settles as the callback of sqlite3 says. */
async function completion<T>(
  start: (done: (error: Error | null, ...results: T[]) => void) => unknown,
): Promise<T | undefined> {
  return await new Promise((resolve, reject) => {
    start((error, ...[result]) => (error === null ? resolve(result) : reject(error)));
  });
}

async function connect(path: string, name: string, mode: number): Promise<Database> {
  try {
    const connection = await new Promise<sqlite3.Database>((resolve, reject) => {
      const opened = new sqlite3.Database(name, mode, (error) =>
        error === null ? resolve(opened) : reject(error),
      );
    });
    connection.configure('busyTimeout', BUSY_MS);
    return new Database(path, connection);
  } catch (error) {
    throw databaseFailure(error, path);
  }
}

/** The content is no longer what SQLite wrote, so none of it can be relied on. */
export class Damaged extends Failure {
  constructor(path: string, reason: string, cause?: unknown) {
    super('state-unusable', `the database ${quoted(path)} is damaged: ${reason}`, {
      hint: 'restart the daemon, or run "unpackd rebuild": a new one is made from the repositories',
      cause,
    });
  }
}

/** Errors caused by the system or another process; all others are mistakes in a statement. */
const UNUSABLE: Readonly<Record<string, string>> = {
  SQLITE_BUSY: 'another program keeps it locked, and must end first',
  SQLITE_LOCKED: 'another program keeps it locked, and must end first',
  SQLITE_PROTOCOL: 'other programs contend for its locks, and must end first',
  SQLITE_READONLY: 'it may not be written',
  SQLITE_PERM: 'it may not be written',
  SQLITE_CANTOPEN: 'it cannot be opened',
  SQLITE_IOERR: 'it cannot be read or written',
};

/** Translates errors of sqlite3 for users. @internal */
export function databaseFailure(error: unknown, path: string): unknown {
  const code = codeOf(error);
  if (code === undefined || !(error instanceof Error)) return error;
  if (code === 'SQLITE_CORRUPT' || code === 'SQLITE_NOTADB') return new Damaged(path, error.message, error);
  const place = { path, code: 'state-unusable' } as const;
  if (code === 'SQLITE_FULL') return diskFull(place, error);
  const reason = UNUSABLE[code];
  return reason === undefined ? error : unusable(place, `${reason} (${code})`, error);
}

/** Part of the state, in one or more tables of the database. */
export abstract class Table {
  protected readonly database: Database;

  constructor(database: Database) {
    this.database = database;
  }

  /** The number that is kept under `name` in the table of marks. */
  protected async mark(name: string): Promise<number | undefined> {
    const [row] = await this.database.all('SELECT value FROM marks WHERE name = ?', name);
    return numberOf(row?.['value']);
  }

  /** Deletes the rows of `table` with these public names. */
  protected async deleteNames(
    table: string,
    repository: string,
    publicNames: readonly string[],
  ): Promise<void> {
    if (publicNames.length === 0) return;
    await this.database.run(
      `DELETE FROM ${table} WHERE repository = ? AND public_name IN (SELECT value FROM json_each(?))`,
      repository,
      JSON.stringify(publicNames),
    );
  }
}

/** Values of the columns `code`, `message` and `hint`. */
export function failureValues(failure: FailureNote | undefined): [Value, Value, Value] {
  if (failure === undefined) return [null, null, null];
  const { code, message, hint } = failure;
  return [code, redact(message), hint === undefined ? null : redact(hint)];
}

export function failureOf({ code, message, hint }: Row): FailureNote | undefined {
  if (typeof code !== 'string') return undefined;
  return { code, message: String(message), hint: textOf(hint) };
}

export function textOf(value: Value | undefined): string | undefined {
  return value === null || value === undefined ? undefined : String(value);
}

export function numberOf(value: Value | undefined): number | undefined {
  return value === null || value === undefined ? undefined : Number(value);
}

/** The key of most tables. */
export function nameOf(row: Row): string {
  return String(row['public_name']);
}
