import sqlite3 from 'sqlite3';
import { databaseFailure } from './database-failure.ts';

/** A value of a column. */
export type Value = string | number | null;
export type Row = Readonly<Record<string, Value>>;

/** For the `?` of a statement, in order, with lists among them. */
export type Values = readonly (Value | readonly Value[])[];

/** How long another process may hold the database until a statement fails, in ms. */
const BUSY_MS = 3000;

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

  private constructor(path: string, connection: sqlite3.Database) {
    this.path = path;
    this.#connection = connection;
  }

  /** @throws Failure `state-unusable`, `disk-full`; Damaged */
  static async open(path: string): Promise<Database> {
    try {
      const connection = await new Promise<sqlite3.Database>((resolve, reject) => {
        const opened = new sqlite3.Database(path, (error) =>
          error === null ? resolve(opened) : reject(error),
        );
      });
      connection.configure('busyTimeout', BUSY_MS);
      return new Database(path, connection);
    } catch (error) {
      throw databaseFailure(error, path);
    }
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

  async close(): Promise<void> {
    await this.alone(
      async () =>
        await new Promise<void>((resolve, reject) => {
          this.#connection.close((error) => (error === null ? resolve() : reject(error)));
        }),
    );
  }

  readonly #statements: Statements = {
    run: async (sql, ...values) =>
      await new Promise((resolve, reject) => {
        this.#connection.run(sql, values.flat(), (error: Error | null) =>
          error === null ? resolve() : reject(error),
        );
      }),
    all: async (sql, ...values) =>
      await new Promise((resolve, reject) => {
        this.#connection.all(sql, values.flat(), (error: Error | null, rows: Row[]) =>
          error === null ? resolve(rows) : reject(error),
        );
      }),
    script: async (sql) =>
      await new Promise((resolve, reject) => {
        this.#connection.exec(sql, (error) => (error === null ? resolve() : reject(error)));
      }),
  };
}
