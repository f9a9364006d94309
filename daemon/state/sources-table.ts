import type { SourceState } from '../../wishlist/sources/source.ts';
import type { Commit } from '../../wishlist/recipe/origin.ts';
import type { FailedLine } from '../output/recipe-lines.ts';
import type { Database, Row } from './database.ts';
import { failureOf, failureValues, textOf, type FailureNote } from './failure-columns.ts';

/** What was last known of a source. Times are in ISO 8601. */
export interface SourceRow {
  readonly name: string;
  readonly commit: Commit | undefined;
  /** Since when what it says is in force; `undefined` where nothing is known of it. */
  readonly since: string | undefined;
  readonly fetchedAt: string | undefined;
  readonly failure: FailureNote | undefined;
  readonly failingSince: string | undefined;
}

/** A line of a recipe that gives no image. */
export interface LineRow {
  readonly text: string;
  readonly failure: FailureNote;
}

/** Where wishes come from, and the lines that give none. Both are what the last cycle found. */
export class SourcesTable {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async replace(states: readonly SourceState[]): Promise<void> {
    await this.#database.transaction(async (statements) => {
      await statements.run('DELETE FROM sources');
      for (const [position, { name, content, fetchedAt, failure, failingSince }] of states.entries()) {
        const { commit, since } = content ?? {};
        await statements.run(
          'INSERT INTO sources VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
          [name, position, commit?.hash ?? null, commit?.author ?? null, commit?.date ?? null],
          [since ?? null, fetchedAt ?? null, ...failureValues(failure), failingSince ?? null],
        );
      }
    });
  }

  async all(): Promise<SourceRow[]> {
    return (await this.#database.all('SELECT * FROM sources ORDER BY position')).map(sourceOf);
  }

  async replaceLines(lines: readonly FailedLine[]): Promise<void> {
    await this.#database.transaction(async (statements) => {
      await statements.run('DELETE FROM lines');
      for (const [position, { text, failure }] of lines.entries())
        await statements.run(
          'INSERT INTO lines VALUES (?, ?, ?, ?, ?)',
          position,
          text,
          failureValues(failure),
        );
    });
  }

  async lines(): Promise<LineRow[]> {
    const rows = await this.#database.all('SELECT * FROM lines ORDER BY position');
    return rows.flatMap((row) => {
      const failure = failureOf(row);
      return failure === undefined ? [] : [{ text: String(row['image']), failure }];
    });
  }
}

function sourceOf(row: Row): SourceRow {
  const [hash, author, date] = [row['commit_hash'], row['commit_author'], row['commit_date']].map(textOf);
  return {
    name: String(row['name']),
    commit: hash === undefined ? undefined : { hash, author: author ?? '', date: date ?? '' },
    since: textOf(row['since']),
    fetchedAt: textOf(row['fetched_at']),
    failure: failureOf(row),
    failingSince: textOf(row['failing_since']),
  };
}
