import { join } from 'node:path';
import { AttemptsTable } from './attempts-table.ts';
import type { Database } from './database.ts';
import { DeathsTable } from './deaths-table.ts';
import { ImagesTable } from './images-table.ts';
import { inodeOf, openDatabase, readDatabase, type Opening } from './open-database.ts';
import { PublicationsTable } from './publications-table.ts';
import { RepositoriesTable } from './repositories-table.ts';
import { SourcesTable } from './sources-table.ts';
import { WishesTable } from './wishes-table.ts';

/** The mark that is made to see whether one can be. */
const WRITABLE = 'writable';

const DAY_MS = 86_400_000;
const ATTEMPTS_KEPT_MS = 90 * DAY_MS;
const PUBLICATIONS_KEPT_MS = 730 * DAY_MS;

/** Where the database of a state directory is. */
export function databasePath(directory: string): string {
  return join(directory, 'unpackd.db');
}

/**
 * What unpackd remembers: a cache of what is published and a history of what was done. Nothing in it decides what is
 * published, so that it can be lost. Its methods throw Failure `state-unusable` and `disk-full`.
 */
export class State {
  readonly sources: SourcesTable;
  readonly wishes: WishesTable;
  readonly repositories: RepositoriesTable;
  readonly images: ImagesTable;
  readonly attempts: AttemptsTable;
  readonly publications: PublicationsTable;
  readonly deaths: DeathsTable;
  readonly #database: Database;
  readonly #inode: number | undefined;

  private constructor(database: Database) {
    this.#database = database;
    this.#inode = inodeOf(database.path);
    this.sources = new SourcesTable(database);
    this.wishes = new WishesTable(database);
    this.repositories = new RepositoriesTable(database);
    this.images = new ImagesTable(database);
    this.attempts = new AttemptsTable(database);
    this.publications = new PublicationsTable(database);
    this.deaths = new DeathsTable(database);
  }

  /** Opens the database of the state directory `directory`, or makes it. */
  static async open(directory: string, opening: Opening): Promise<State> {
    return new State(await openDatabase(databasePath(directory), opening));
  }

  /** Opens it only to read: nothing is made, and where there is none nothing is known. */
  static async read(directory: string): Promise<State> {
    return new State(await readDatabase(databasePath(directory)));
  }

  /** Whether the file is still the one that was opened: SQLite would write on into one that was deleted. */
  get isThere(): boolean {
    return this.#inode !== undefined && inodeOf(this.#database.path) === this.#inode;
  }

  /** @throws Failure `state-unusable`, `disk-full` where nothing can be written */
  async assertWritable(): Promise<void> {
    await this.#database.transaction(async (statements) => {
      await statements.run('INSERT OR REPLACE INTO marks VALUES (?, ?)', WRITABLE, 0);
      await statements.run('DELETE FROM marks WHERE name = ?', WRITABLE);
    });
  }

  /** Forgets what is too old to matter. */
  async prune(nowMs: number): Promise<void> {
    await this.attempts.dropOlderThan(nowMs - ATTEMPTS_KEPT_MS);
    await this.deaths.dropOlderThan(nowMs - ATTEMPTS_KEPT_MS);
    await this.publications.dropOlderThan(nowMs - PUBLICATIONS_KEPT_MS);
  }

  async close(): Promise<void> {
    await this.#database.close();
  }
}
