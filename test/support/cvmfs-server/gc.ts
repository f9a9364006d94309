import { Died, say } from './died.ts';
import { failAt, stopAt } from './fault.ts';
import { repositoryPaths } from './layout.ts';
import type { Layout, RepositoryPaths } from './layout.ts';
import {
  GARBAGE_COLLECTION,
  isInTransaction,
  openTransaction,
  closeTransaction,
  readManifest,
  readSetting,
  repositoryExists,
} from './repository.ts';

/**
 * `gc -f REPOSITORY`: keeps all revisions of the last three days, and publishes nothing. The transaction that it opens
 * ends with it, unless it is killed.
 */
export async function collectGarbage(layout: Layout, words: readonly string[]): Promise<void> {
  const paths = repositoryPaths(layout, words.at(-1) ?? '');
  if (!repositoryExists(paths)) throw new Died(`The repository ${paths.name} does not exist`);
  say(`Affected Repositories:          ${paths.name}`);
  if (!words.includes('-f')) throw new Died('the double is asked for no confirmation: gc -f');
  if (readSetting(paths, GARBAGE_COLLECTION) !== 'true')
    throw new Died(`Garbage Collection is not enabled for ${paths.name}`);
  if (isInTransaction(paths)) throw new Died('Cannot run garbage collection while in a transaction');
  openTransaction(paths);
  const end = (): never => {
    closeTransaction(paths);
    process.exit(1);
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, end);
  await stopAt(layout, 'open');
  try {
    await sweep(layout, paths);
  } finally {
    closeTransaction(paths);
  }
}

async function sweep(layout: Layout, paths: RepositoryPaths): Promise<void> {
  say('Running Garbage Collection ');
  if (!readManifest(paths).isCollectable)
    throw new Died('repository does not allow garbage collection\nFail (6)!');
  say('  --> marking unreferenced objects');
  failAt(layout, 'sweep');
  await stopAt(layout, 'sweep');
  say('  --> sweeping unreferenced objects');
  say('  --> done garbage collecting');
}
