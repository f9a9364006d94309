import type { Database, Row, Statements } from './database.ts';
import { textOf } from './failure-columns.ts';

/** What a process is about to do about one image. */
export interface UnderWay {
  readonly repository: string;
  readonly publicName: string;
  readonly image: string;
  /** Of the manifest; `undefined` while nobody knows. */
  readonly digest: string | undefined;
  readonly stage: string;
}

/** Which process. */
export interface Run {
  readonly id: string;
  /** The spool that it has for itself: who opens it next knows that it is gone. */
  readonly spool: string;
}

/** How often processes died while they worked on an image, since that last went well. */
export interface Death extends UnderWay {
  readonly count: number;
  /** Whether nothing else was under way the last time. */
  readonly isAlone: boolean;
  readonly lastMs: number;
}

/** After so many an image is not tried again, unless it changes or somebody says so. */
export const MOST_DEATHS = 3;

const KEYS = 'repository, public_name, image, digest, stage';

/** What is under way now, and what was when processes died: SIGKILL, a watchdog, no memory. */
export class DeathsTable {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Writes down what begins, and that something has ended. It outlives the process, not the machine: nothing is synchronised. */
  async note(run: Run, begun: readonly UnderWay[], ended: readonly UnderWay[]): Promise<void> {
    await this.#database.transaction(async (statements) => {
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

  /** The run ends in order: nothing that is under way is to blame for that. */
  async end(run: Run): Promise<void> {
    await this.#database.transaction(async (statements) => {
      await statements.run('DELETE FROM under_way WHERE run = ?', run.id);
    });
  }

  /**
   * Counts what was under way in other runs with the same spool: they are dead.
   *
   * @returns the images that this is about, as they stand now
   */
  async count(run: Run, nowMs: number): Promise<Death[]> {
    return await this.#database.transaction(async (statements) => {
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

  /** By public name. */
  async of(repository: string): Promise<Map<string, Death>> {
    const rows = await this.#database.all(
      'SELECT * FROM deaths WHERE repository = ? ORDER BY public_name',
      repository,
    );
    return new Map(rows.map((row) => [String(row['public_name']), deathOf(row)]));
  }

  /** Images that it went well with. */
  async forget(repository: string, publicNames: readonly string[]): Promise<void> {
    await this.#database.transaction(async (statements) => {
      for (const name of publicNames)
        await statements.run('DELETE FROM deaths WHERE repository = ? AND public_name = ?', repository, name);
    });
  }

  /**
   * Lets images be tried again, as after the first death. One that is not counted yet will be that: the process that
   * died has not been started again.
   *
   * @param image a reference or public name; `undefined` for all
   */
  async retry(image: string | undefined): Promise<void> {
    await this.#database.transaction(async (statements) => {
      await statements.run(
        `UPDATE deaths SET count = NOT EXISTS (SELECT 1 FROM under_way AS work
           WHERE work.repository = deaths.repository AND work.public_name = deaths.public_name)
         WHERE ?1 IS NULL OR image = ?1 OR public_name = ?1`,
        image ?? null,
      );
    });
  }

  async dropOlderThan(ms: number): Promise<void> {
    await this.#database.transaction(async (statements) => {
      await statements.run('DELETE FROM deaths WHERE last < ?', ms);
    });
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

/** What is not known is an empty text, since it is part of a key. */
function jsonOf(all: readonly UnderWay[]): string {
  return JSON.stringify(
    all.map(({ repository, publicName, image, digest, stage }) => [
      repository,
      publicName,
      image,
      digest ?? '',
      stage,
    ]),
  );
}

function deathOf(row: Row): Death {
  return {
    repository: String(row['repository']),
    publicName: String(row['public_name']),
    image: String(row['image']),
    digest: textOf(row['digest']) || undefined,
    stage: String(row['stage']),
    count: Number(row['count']),
    isAlone: row['alone'] === 1,
    lastMs: Number(row['last']),
  };
}
