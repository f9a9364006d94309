import { AttemptsTable, DeathsTable } from './attempts.ts';
import type { Database } from './database.ts';
import { ImagesTable } from './images.ts';
import { inodeOf, openDatabase, readDatabase, type Opening } from './open-database.ts';
import { PublicationsTable, RepositoriesTable } from './repositories.ts';
import type { State } from '../state.ts';
import { SourcesTable, WishesTable } from './wishlists.ts';

/** A mark that is set to check that the database can be written. */
const WRITABLE = 'writable';

const DAY_MS = 86_400_000;
const ATTEMPTS_KEPT_MS = 90 * DAY_MS;
const PUBLICATIONS_KEPT_MS = 730 * DAY_MS;

/** The state in a SQLite database. */
export class SqliteState implements State {
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

  /** Opens the database at `path`, or makes it. */
  static async open(path: string, opening: Opening): Promise<SqliteState> {
    return new SqliteState(await openDatabase(path, opening));
  }

  /** Opens it only to read: nothing is made, and if there is none nothing is known. */
  static async read(path: string): Promise<SqliteState> {
    return new SqliteState(await readDatabase(path));
  }

  /** SQLite keeps writing into a file that was deleted. */
  get isThere(): boolean {
    return this.#inode !== undefined && inodeOf(this.#database.path) === this.#inode;
  }

  async assertWritable(): Promise<void> {
    await this.#database.transaction(async (statements) => {
      await statements.run('INSERT OR REPLACE INTO marks VALUES (?, ?)', WRITABLE, 0);
      await statements.run('DELETE FROM marks WHERE name = ?', WRITABLE);
    });
  }

  async prune(nowMs: number): Promise<void> {
    await this.#database.transaction(async (statements) => {
      await statements.run('DELETE FROM attempts WHERE finished_at < ?', nowMs - ATTEMPTS_KEPT_MS);
      await statements.run('DELETE FROM deaths WHERE last < ?', nowMs - ATTEMPTS_KEPT_MS);
      await statements.run('DELETE FROM publications WHERE finished_at < ?', nowMs - PUBLICATIONS_KEPT_MS);
    });
  }

  async close(): Promise<void> {
    await this.#database.close();
  }
}
