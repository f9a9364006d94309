import type { Database, Row } from './database.ts';
import { failureOf, failureValues, numberOf, type FailureNote } from './failure-columns.ts';

/** What is known of a repository as a whole. Times are in ms since 1970. */
export interface RepositoryRow {
  readonly name: string;
  /** When its images were last looked up in it; `undefined`: never. */
  readonly scannedMs: number | undefined;
  readonly pausedSinceMs: number | undefined;
  /** Why nothing can be published in it. */
  readonly failure: FailureNote | undefined;
  readonly failingSinceMs: number | undefined;
}

/** The mark that pauses all repositories. */
const PAUSED = 'paused';

export class RepositoriesTable {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async ensure(names: readonly string[]): Promise<void> {
    await this.#database.transaction(async (statements) => {
      for (const name of names)
        await statements.run('INSERT OR IGNORE INTO repositories (name) VALUES (?)', name);
    });
  }

  async all(): Promise<RepositoryRow[]> {
    return (await this.#database.all('SELECT * FROM repositories ORDER BY name')).map(repositoryOf);
  }

  /** Remembers why nothing can be published in a repository, or `undefined`: that it can. */
  async setFailure(name: string, failure: FailureNote | undefined, nowMs: number): Promise<void> {
    await this.#database.transaction(async (statements) => {
      await statements.run(
        `UPDATE repositories SET code = ?, message = ?, hint = ?,
         failing_since = CASE WHEN ? IS NULL THEN NULL ELSE coalesce(failing_since, ?) END
         WHERE name = ? AND (code IS NOT NULL OR ? IS NOT NULL)`,
        failureValues(failure),
        [failure?.code ?? null, nowMs, name, failure?.code ?? null],
      );
    });
  }

  /**
   * Nobody asks for anything in repositories for which `isNamed` says no: it does not matter any more why nothing can be
   * published there, and what holds nothing is forgotten, unless it is paused.
   */
  async forget(isNamed: (name: string) => boolean): Promise<void> {
    await this.#database.transaction(async (statements) => {
      const names = (await statements.all('SELECT name FROM repositories')).map((row) => String(row['name']));
      for (const name of names.filter((one) => !isNamed(one))) {
        await statements.run(
          `UPDATE repositories SET code = NULL, message = NULL, hint = NULL, failing_since = NULL
           WHERE name = ? AND code IS NOT NULL`,
          name,
        );
        await statements.run(
          `DELETE FROM repositories WHERE name = ?1 AND paused_since IS NULL
           AND NOT EXISTS (SELECT 1 FROM images WHERE repository = ?1)`,
          name,
        );
      }
    });
  }

  /** @param name `undefined` for all repositories, also those that are not known yet */
  async pause(name: string | undefined, nowMs: number): Promise<void> {
    await this.#database.transaction(async (statements) => {
      if (name === undefined)
        await statements.run('INSERT OR IGNORE INTO marks VALUES (?, ?)', PAUSED, nowMs);
      else {
        await statements.run('INSERT OR IGNORE INTO repositories (name) VALUES (?)', name);
        await statements.run(
          'UPDATE repositories SET paused_since = coalesce(paused_since, ?) WHERE name = ?',
          nowMs,
          name,
        );
      }
    });
  }

  /** @param name `undefined` ends all pauses */
  async resume(name: string | undefined): Promise<void> {
    await this.#database.transaction(async (statements) => {
      if (name !== undefined) {
        await statements.run('UPDATE repositories SET paused_since = NULL WHERE name = ?', name);
        return;
      }
      await statements.run('DELETE FROM marks WHERE name = ?', PAUSED);
      await statements.run('UPDATE repositories SET paused_since = NULL');
    });
  }

  /** Since when all repositories are paused. */
  async allPausedSinceMs(): Promise<number | undefined> {
    const [row] = await this.#database.all('SELECT value FROM marks WHERE name = ?', PAUSED);
    return numberOf(row?.['value']);
  }
}

function repositoryOf(row: Row): RepositoryRow {
  return {
    name: String(row['name']),
    scannedMs: numberOf(row['scanned_at']),
    pausedSinceMs: numberOf(row['paused_since']),
    failure: failureOf(row),
    failingSinceMs: numberOf(row['failing_since']),
  };
}
