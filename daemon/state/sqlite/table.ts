import { redact } from '../../configuration/secrets.ts';
import type { FailureNote } from '../state.ts';
import type { Database, Row, Value } from './database.ts';

/** Part of the state, in one or more tables of the database. */
export abstract class Table {
  protected readonly database: Database;

  constructor(database: Database) {
    this.database = database;
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

/** The text in a column that is never NULL; the key of most tables. */
export function nameOf(row: Row): string {
  return String(row['public_name']);
}
