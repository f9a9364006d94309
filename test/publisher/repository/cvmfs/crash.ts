import { setTimeout as sleep } from 'node:timers/promises';
import { CvmfsBackend } from '../../../../publisher/repository/cvmfs/backend.ts';
import type { Entry } from '../../../../publisher/publication/entry.ts';
import { directoryEntry, fileEntry, publication, symlinkEntry, uninterrupted } from '../entries.ts';

// A process of its own that publishes, to be killed while it does: `trees` and `names` never come to their end.
const [name = '', command = '', root = '', spool = '', configuration = '', stalls = ''] =
  process.argv.slice(2);
const installation = { command, root, spool, configuration };
const backend = new CvmfsBackend({ installation, waitMs: 0, idleLimitMs: 60_000 });
const repository = await backend.open(name, { notice: () => undefined, ...uninterrupted() });

async function* trees(): AsyncGenerator<Entry> {
  yield directoryEntry('tree');
  yield fileEntry('tree/file', 'x');
  if (stalls === 'trees') yield* stalled();
}

async function* stalled(): AsyncGenerator<never> {
  await sleep(600_000);
  yield* [];
}

const names: Entry[] = [symlinkEntry('name', 'tree')];
if (stalls === 'names') names.push({ ...fileEntry('stalled'), content: stalled() });
const xattrs = stalls === 'trees' ? [] : [{ path: 'tree', values: new Map([['user.test', 'x']]) }];
await repository.publish(publication(trees(), { names, xattrs }), uninterrupted());
