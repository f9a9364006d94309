import { AttemptsTable, DeathsTable } from './attempts.ts';
import { CollectionsTable } from './collections.ts';
import type { Database } from './database.ts';
import { ImagesTable } from './images.ts';
import { inodeOf, openDatabase, readDatabase, type Opening } from './open-database.ts';
import { RemovalsTable } from './removals.ts';
import { PublicationsTable, RepositoriesTable } from './repositories.ts';
import type { State } from '../state.ts';
import { VerificationsTable } from './verifications.ts';
import { SourcesTable, WishesTable } from './wishlists.ts';

/** A mark that is set to check that the database can be written. */
const WRITABLE = 'writable';

const DAY_MS = 86_400_000;
const ATTEMPTS_KEPT_MS = 90 * DAY_MS;
const PUBLICATIONS_KEPT_MS = 730 * DAY_MS;

/** Opens the state in the database at `path`, or makes it. */
export async function openSqliteState(path: string, opening: Opening): Promise<State> {
  return stateIn(await openDatabase(path, opening));
}

/** Opens it only to read: nothing is made, and if there is none nothing is known. */
export async function readSqliteState(path: string): Promise<State> {
  return stateIn(await readDatabase(path));
}

function stateIn(database: Database): State {
  const inode = inodeOf(database.path);
  return {
    sources: new SourcesTable(database),
    wishes: new WishesTable(database),
    repositories: new RepositoriesTable(database),
    images: new ImagesTable(database),
    attempts: new AttemptsTable(database),
    publications: new PublicationsTable(database),
    removals: new RemovalsTable(database),
    deaths: new DeathsTable(database),
    verifications: new VerificationsTable(database),
    collections: new CollectionsTable(database),
    /** SQLite keeps writing into a file that was deleted. */
    get isThere() {
      return inode !== undefined && inodeOf(database.path) === inode;
    },
    assertWritable: async () =>
      await database.transaction(async (statements) => {
        await statements.run('INSERT OR REPLACE INTO marks VALUES (?, ?)', WRITABLE, 0);
        await statements.run('DELETE FROM marks WHERE name = ?', WRITABLE);
      }),
    prune: async (nowMs) =>
      await database.transaction(async (statements) => {
        await statements.run('DELETE FROM attempts WHERE finished_at < ?', nowMs - ATTEMPTS_KEPT_MS);
        await statements.run('DELETE FROM deaths WHERE last < ?', nowMs - ATTEMPTS_KEPT_MS);
        await statements.run('DELETE FROM layers WHERE digest NOT IN (SELECT layer FROM image_layers)');
        await statements.run('DELETE FROM absences WHERE last < ?', nowMs - ATTEMPTS_KEPT_MS);
        await statements.run(
          `DELETE FROM askers WHERE NOT EXISTS (SELECT 1 FROM images WHERE images.repository = askers.repository
           AND images.public_name = askers.public_name) AND NOT EXISTS (SELECT 1 FROM wishes
           WHERE wishes.repository = askers.repository AND wishes.public_name = askers.public_name)`,
        );
        await statements.run('DELETE FROM publications WHERE finished_at < ?', nowMs - PUBLICATIONS_KEPT_MS);
      }),
    close: async () => await database.close(),
  };
}
