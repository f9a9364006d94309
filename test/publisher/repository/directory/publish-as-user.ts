import { json } from 'node:stream/consumers';
import { DirectoryBackend } from '../../../../publisher/repository/directory/backend.ts';
import { isFailure } from '../../../../core/failure.ts';
import { listener, publication, uninterrupted } from '../entries.ts';
import type { Request, Result } from './request.ts';

// Publishes what standard input says, as the user who runs this, and tells how that went.
const request = (await json(process.stdin)) as Request;
const { said, notice } = listener();
process.stdout.write(JSON.stringify(await publishAll()));

async function publishAll(): Promise<Result> {
  const backend = new DirectoryBackend({ root: request.root, waitMs: 0, allowPrivileged: true });
  try {
    const { signal } = uninterrupted();
    const repository = await backend.open(request.name, { notice, signal });
    for (const { entries, deletions, xattrs } of request.publications) {
      const given = xattrs.map(({ path, values }) => ({ path, values: new Map(Object.entries(values)) }));
      const trees = entries.map((entry) =>
        entry.type === 'file' ? { ...entry, content: [Buffer.from(entry.content)] } : entry,
      );
      await repository.publish(publication(trees, { deletions, xattrs: given }), uninterrupted());
    }
    await repository.release();
    return { said, code: undefined };
  } catch (error) {
    if (!isFailure(error)) throw error;
    return { said, code: error.code };
  }
}
