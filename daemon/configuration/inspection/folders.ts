import { access, constants, lstat, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeOf, hasCode } from '../../../core/system-error.ts';
import { quoted } from '../../../core/text.ts';
import { withoutAddressSecrets } from '../secrets.ts';

/** What keeps this user from writing into a directory, which may have to be made; `undefined` for nothing. */
export async function folderProblem(path: string): Promise<string | undefined> {
  const name = `the directory ${named(path)}`;
  const nearest = await nearestExisting(path);
  if (typeof nearest === 'string') return `${name} cannot be used: ${nearest}`;
  if (!nearest.isFolder) return `${name} cannot be used: ${named(nearest.path)} is no directory`;
  const refusal = await refusalOf(nearest.path, constants.W_OK + constants.X_OK);
  if (refusal === undefined) return undefined;
  return nearest.path === path
    ? `${name} may not be written by this user (${refusal})`
    : `${name} cannot be made: ${named(nearest.path)} may not be written by this user (${refusal})`;
}

/** What keeps a directory from being there; `undefined` for nothing. */
export async function missingFolder(path: string): Promise<string | undefined> {
  const nearest = await nearestExisting(path);
  const name = `the directory ${named(path)}`;
  if (typeof nearest === 'string') return `${name} cannot be used: ${nearest}`;
  if (nearest.path !== path) return `${name} does not exist`;
  return nearest.isFolder ? undefined : `${named(path)} is no directory`;
}

/** What keeps this user from appending to a file, which may have to be made; `undefined` for nothing. */
export async function appendingProblem(path: string): Promise<string | undefined> {
  const nearest = await nearestExisting(path);
  const name = `the file ${named(path)}`;
  if (typeof nearest === 'string') return `${name} cannot be used: ${nearest}`;
  if (nearest.path !== path) {
    const folder = dirname(path);
    const problem = (await missingFolder(folder)) ?? (await folderProblem(folder));
    return problem === undefined ? undefined : `${name} cannot be made: ${problem}`;
  }
  if (nearest.isFolder) return `${named(path)} is a directory`;
  const refusal = await refusalOf(path, constants.W_OK);
  return refusal === undefined ? undefined : `${name} may not be written by this user (${refusal})`;
}

/** `path`, or the directory above it that exists; or why that cannot be told. */
export /** Bounded: by the path. */
async function nearestExisting(
  path: string,
): Promise<{ readonly path: string; readonly isFolder: boolean } | string> {
  try {
    return { path, isFolder: (await stat(path)).isDirectory() };
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') return `${named(path)} cannot be reached (${code})`;
  }
  if (await isLink(path)) return `${named(path)} is a link to what does not exist`;
  return await nearestExisting(dirname(path));
}

async function isLink(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}

/** The code of the system's refusal; `undefined` where it refuses nothing. */
async function refusalOf(path: string, mode: number): Promise<string | undefined> {
  try {
    await access(path, mode);
    return undefined;
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    return code;
  }
}

/** A path for messages: it may be an address that stands in the wrong place. */
export function named(path: string): string {
  return quoted(withoutAddressSecrets(path));
}
