import { redact } from '../../configuration/secrets.ts';
import type {
  FailureNote,
  PublicationRecord,
  Publications,
  Repositories,
  RepositoryRecord,
} from '../state.ts';
import { type Row, failureOf, failureValues, numberOf, Table, textOf } from './database.ts';

/** The mark that pauses all repositories. */
const PAUSED = 'paused';

export class RepositoriesTable extends Table implements Repositories {
  async ensure(names: readonly string[]): Promise<void> {
    await this.database.run(
      'INSERT OR IGNORE INTO repositories (name) SELECT value FROM json_each(?)',
      JSON.stringify(names),
    );
  }

  async all(): Promise<RepositoryRecord[]> {
    return (await this.database.all('SELECT * FROM repositories ORDER BY name')).map(repositoryOf);
  }

  async setFailure(name: string, failure: FailureNote | undefined, nowMs: number): Promise<void> {
    await this.database.run(
      `UPDATE repositories SET code = ?, message = ?, hint = ?,
       failing_since = CASE WHEN ? IS NULL THEN NULL ELSE coalesce(failing_since, ?) END
       WHERE name = ? AND (code IS NOT NULL OR ? IS NOT NULL)`,
      failureValues(failure),
      [failure?.code ?? null, nowMs, name, failure?.code ?? null],
    );
  }

  async forget(isNamed: (name: string) => boolean): Promise<void> {
    await this.database.transaction(async (statements) => {
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

  async pause(name: string | undefined, nowMs: number): Promise<void> {
    if (name === undefined) {
      await this.database.run('INSERT OR IGNORE INTO marks VALUES (?, ?)', PAUSED, nowMs);
      return;
    }
    await this.database.run(
      `INSERT INTO repositories (name, paused_since) VALUES (?, ?)
       ON CONFLICT DO UPDATE SET paused_since = coalesce(paused_since, excluded.paused_since)`,
      name,
      nowMs,
    );
  }

  async resume(name: string | undefined): Promise<void> {
    if (name !== undefined) {
      await this.database.run('UPDATE repositories SET paused_since = NULL WHERE name = ?', name);
      return;
    }
    await this.database.transaction(async (statements) => {
      await statements.run('DELETE FROM marks WHERE name = ?', PAUSED);
      await statements.run('UPDATE repositories SET paused_since = NULL');
    });
  }

  async allPausedSinceMs(): Promise<number | undefined> {
    return await this.mark(PAUSED);
  }
}

export class PublicationsTable extends Table implements Publications {
  async record(publication: Omit<PublicationRecord, 'id'>): Promise<void> {
    const { repository, revision, startedMs, finishedMs, images, layers, bytes, error } = publication;
    await this.database.run(
      `INSERT INTO publications (repository, revision, started_at, finished_at, images, layers, bytes, error)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      [repository, revision ?? null, startedMs, finishedMs, images, layers, bytes],
      error === undefined ? null : redact(error),
    );
  }

  async last(repository: string, most: number): Promise<PublicationRecord[]> {
    const rows = await this.database.all(
      'SELECT * FROM publications WHERE repository = ? ORDER BY id DESC LIMIT ?',
      repository,
      most,
    );
    return rows.map(publicationOf);
  }
}

function repositoryOf(row: Row): RepositoryRecord {
  return {
    name: String(row['name']),
    scannedMs: numberOf(row['scanned_at']),
    pausedSinceMs: numberOf(row['paused_since']),
    failure: failureOf(row),
    failingSinceMs: numberOf(row['failing_since']),
  };
}

function publicationOf(row: Row): PublicationRecord {
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
