import { stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { hasCode } from '../../core/system-error.ts';

/**
 * The top level of the git repository that the file `path` is checked in, without asking git, which would take a folder
 * of a request for one; `undefined` where there is none. It is that of the current directory where the file lies in it,
 * and otherwise the outermost one: what lies deeper may have come with the request.
 */
export async function topLevelOf(path: string, currentDirectory: string): Promise<string | undefined> {
  const file = resolve(currentDirectory, path);
  const current = await firstTopLevel([currentDirectory, ...foldersAbove(currentDirectory)]);
  if (current !== undefined && isWithin(file, current)) return current;
  return await firstTopLevel(foldersAbove(file).toReversed());
}

/** Whether `path` is below `folder`, by their names. */
export function isWithin(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '' && way !== '..' && !way.startsWith('../');
}

/** The innermost first. */
export function foldersAbove(path: string): string[] {
  const folders: string[] = [];
  for (let at = path; dirname(at) !== at; at = dirname(at)) folders.push(dirname(at));
  return folders;
}

async function firstTopLevel(folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) if (await exists(join(folder, '.git'))) return folder;
  return undefined;
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'ENAMETOOLONG')) return false;
    throw error;
  }
}
