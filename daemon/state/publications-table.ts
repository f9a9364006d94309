import type { Database, Row } from './database.ts';
import { numberOf, textOf } from './failure-columns.ts';
import { redact } from '../configuration/redact.ts';

/** One publication. Times are in ms since 1970. */
export interface PublicationRow {
  /** Counts up. */
  readonly id: number;
  readonly repository: string;
  /** What the repository itself calls it; `undefined` where it has no revisions. */
  readonly revision: number | undefined;
  readonly startedMs: number;
  readonly finishedMs: number;
  readonly images: number;
  readonly layers: number;
  /** Of the files that it brought. */
  readonly bytes: number;
  /** Why it failed. */
  readonly error: string | undefined;
}

export class PublicationsTable {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async record(publication: Omit<PublicationRow, 'id'>): Promise<void> {
    const { repository, revision, startedMs, finishedMs, images, layers, bytes, error } = publication;
    await this.#database.transaction(async (statements) => {
      await statements.run(
        `INSERT INTO publications (repository, revision, started_at, finished_at, images, layers, bytes, error)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        [repository, revision ?? null, startedMs, finishedMs, images, layers, bytes],
        error === undefined ? null : redact(error),
      );
    });
  }

  /** The latest first. */
  async last(repository: string, most: number): Promise<PublicationRow[]> {
    const rows = await this.#database.all(
      'SELECT * FROM publications WHERE repository = ? ORDER BY id DESC LIMIT ?',
      repository,
      most,
    );
    return rows.map(publicationOf);
  }

  async dropOlderThan(ms: number): Promise<void> {
    await this.#database.transaction(async (statements) => {
      await statements.run('DELETE FROM publications WHERE finished_at < ?', ms);
    });
  }
}

function publicationOf(row: Row): PublicationRow {
  return {
    id: Number(row['id']),
    repository: String(row['repository']),
    revision: numberOf(row['revision']),
    startedMs: Number(row['started_at']),
    finishedMs: Number(row['finished_at']),
    images: Number(row['images']),
    layers: Number(row['layers']),
    bytes: Number(row['bytes']),
    error: textOf(row['error']),
  };
}
