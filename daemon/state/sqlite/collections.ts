import { z } from 'zod';
import { redact } from '../../configuration/secrets.ts';
import type { CollectionRecord, Collections, LastCollection } from '../collections.ts';
import type { FailureNote } from '../state.ts';
import { failureOf, failureValues, numberOf, Table } from './database.ts';

/** Reasons stored of one collection: the report of a run has all of them. */
const MOST = 20;

export class CollectionsTable extends Table implements Collections {
  async record(repository: string, collection: CollectionRecord): Promise<void> {
    const { finishedMs, swept, waiting, nextDueMs, blocked, failure } = collection;
    await this.database.run(
      'INSERT OR REPLACE INTO collections VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      [repository, finishedMs, swept, waiting, nextDueMs ?? null],
      JSON.stringify(blocked.slice(0, MOST).map(redact)),
      failureValues(failure),
      failure === undefined ? null : finishedMs,
    );
  }

  async fail(repository: string, failure: FailureNote, nowMs: number): Promise<void> {
    await this.database.run(
      `INSERT INTO collections (repository, code, message, hint, failed_at) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET code = excluded.code, message = excluded.message, hint = excluded.hint,
       failed_at = excluded.failed_at`,
      repository,
      failureValues(failure),
      nowMs,
    );
  }

  async last(repository: string): Promise<LastCollection | undefined> {
    const [row] = await this.database.all('SELECT * FROM collections WHERE repository = ?', repository);
    if (row === undefined) return undefined;
    return {
      finishedMs: numberOf(row['finished_at']),
      swept: Number(row['swept']),
      waiting: Number(row['waiting']),
      nextDueMs: numberOf(row['next_due']),
      blocked: Reasons.parse(JSON.parse(String(row['blocked']))),
      failure: failureOf(row),
      failedMs: numberOf(row['failed_at']),
    };
  }
}

const Reasons = z.array(z.string());
