import { complain, say } from './died.ts';
import { stopAt } from './fault.ts';
import type { Layout, RepositoryPaths } from './layout.ts';
import { closeTransaction, mountView, unlockPublishing, unmountView } from './repository.ts';

/** What the real one exits with where a signal ends it while it remounts. */
const INTERRUPTED_REMOUNT = 32;

export function announceCommit(paths: RepositoryPaths): void {
  say(`Tagging ${paths.name}`);
  say('Flushing file system buffers');
  say('Signing new manifest');
}

/** What follows the commit, after an ingestion as after a union transaction. */
export async function publish(layout: Layout, paths: RepositoryPaths): Promise<void> {
  say('Remounting newly created repository revision');
  unmountView(paths);
  process.once('SIGTERM', () => {
    complain('Terminated');
    unlockPublishing(paths);
    process.exit(INTERRUPTED_REMOUNT);
  });
  await stopAt(layout, 'remount');
  mountView(paths);
  await stopAt(layout, 'close');
  closeTransaction(paths);
}
