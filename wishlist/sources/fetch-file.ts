import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../../core/failure.ts';
import { quoted } from '../../core/text.ts';
import { readRegularFile } from '../recipe/text-file.ts';
import { RECIPE_FILES, type RecipeFiles, type SourceLimits, type WishlistSource } from './source.ts';

/** A recipe on this machine. */
export interface FileSettings {
  readonly name: string;
  /** Absolute. */
  readonly path: string;
}

export function fileSource(settings: FileSettings): WishlistSource<RecipeFiles> {
  const { name, path } = settings;
  return {
    name,
    identity: ['file', path],
    ...RECIPE_FILES,
    fetch: async (_, request) => ({ content: await fetchFile(settings, request) }),
  };
}

/** Reads under way by path: a file system that hangs must not take one more of Node's few threads each time. */
const reading = new Map<string, Promise<string>>();

/**
 * @throws Failure `recipe-unreadable`, `source-unreachable` after the time limit; the reason of the signal
 * @internal
 */
export async function fetchFile(
  { name, path }: FileSettings,
  { timeLimitMs, signal }: Pick<SourceLimits, 'timeLimitMs' | 'signal'>,
  read: (path: string) => Promise<string> = readRegularFile,
): Promise<RecipeFiles> {
  const text = reading.get(path) ?? read(path).finally(() => reading.delete(path));
  reading.set(path, text);
  signal?.throwIfAborted();
  const waiting = new AbortController();
  const stop = (): void => waiting.abort();
  signal?.addEventListener('abort', stop, { signal: waiting.signal });
  const late = sleep(timeLimitMs, undefined, { ref: false, signal: waiting.signal }).then(() => {
    throw tooLate(name, path, timeLimitMs);
  });
  try {
    return { files: [{ label: path, text: await Promise.race([text, late]) }] };
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    // The limit is one of minutes, and the signal lives as long as the daemon.
    stop();
  }
}

function tooLate(name: string, path: string, timeLimitMs: number): Failure {
  return new Failure(
    'source-unreachable',
    `the source ${quoted(name)}: ${quoted(path)} could not be read within ${timeLimitMs / 1000} s`,
    { hint: 'check the file system that holds it' },
  );
}
