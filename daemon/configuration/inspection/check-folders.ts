import { access, constants, lstat, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isFailure, withHint } from '../../../core/failure.ts';
import { refuseOthers } from '../../../core/system/private-folder.ts';
import { codeOf, hasCode } from '../../../core/system-error.ts';
import { quoted } from '../../../core/text.ts';
import type { OptionKey } from '../options.ts';
import { withoutAddressSecrets } from '../secrets.ts';
import type { CheckContext } from './findings.ts';

/** Checks that unpackd may write its directories and files, as far as possible without writing. */
export async function checkFolders({ configuration, findings, placeOf }: CheckContext): Promise<void> {
  const { backend, root, state, temporaryDirectory, notificationFile } = configuration;
  const folders: readonly (readonly [key: OptionKey, folder: string, own?: string])[] = [
    ...(backend === 'directory' ? [['root', root, '.unpackd-'] as const] : []),
    ['state', state],
    // by default the same directory, which is reported once
    ...(temporaryDirectory === state ? [] : ([['temporary-dir', temporaryDirectory, 'spool']] as const)),
  ];
  for (const [key, folder, own = ''] of folders) {
    const risk = exchangeProblem(join(folder, own));
    if (risk !== undefined) findings.error(`${placeOf(key)}: ${risk}`);
    const problem = await folderProblem(folder);
    if (problem === undefined) continue;
    findings.error(`${placeOf(key)}: ${problem}; make it writable by this user, or name another`);
  }
  if (notificationFile === undefined) return;
  const problem = await appendingProblem(notificationFile);
  if (problem === undefined) return;
  findings.error(
    `${placeOf('notification-file')}: ${problem}; name a file in a directory that exists and may be written`,
  );
}

/** Describes how others could exchange the files of unpackd in `path`; `undefined` if they cannot. */
function exchangeProblem(path: string): string | undefined {
  try {
    refuseOthers(path, 'state-unusable');
    return undefined;
  } catch (error) {
    if (isFailure(error)) return withHint(error);
    if (codeOf(error) === undefined) throw error;
    return undefined; // Not reachable, which is reported elsewhere.
  }
}

/** Describes why this user cannot write to a directory, which may have to be made; `undefined` if they can. */
async function folderProblem(path: string): Promise<string | undefined> {
  const name = `the directory ${named(path)}`;
  const nearest = await nearestExisting(path);
  if (typeof nearest === 'string') return `${name} cannot be used: ${nearest}`;
  if (!nearest.isFolder) return `${name} cannot be used: ${named(nearest.path)} is not a directory`;
  const refusal = await refusalOf(nearest.path, constants.W_OK + constants.X_OK);
  if (refusal === undefined) return undefined;
  return nearest.path === path
    ? `${name} is not writable by this user (${refusal})`
    : `${name} cannot be created: ${named(nearest.path)} is not writable by this user (${refusal})`;
}

/** Describes why a directory is missing; `undefined` if it exists. */
export async function missingFolder(path: string): Promise<string | undefined> {
  const nearest = await nearestExisting(path);
  const name = `the directory ${named(path)}`;
  if (typeof nearest === 'string') return `${name} cannot be used: ${nearest}`;
  if (nearest.path !== path) return `${name} does not exist`;
  return nearest.isFolder ? undefined : `${named(path)} is not a directory`;
}

/** Describes why this user cannot append to a file, which may have to be made; `undefined` if they can. */
async function appendingProblem(path: string): Promise<string | undefined> {
  const nearest = await nearestExisting(path);
  const name = `the file ${named(path)}`;
  if (typeof nearest === 'string') return `${name} cannot be used: ${nearest}`;
  if (nearest.path !== path) {
    const folder = dirname(path);
    const problem = (await missingFolder(folder)) ?? (await folderProblem(folder));
    return problem === undefined ? undefined : `${name} cannot be created: ${problem}`;
  }
  if (nearest.isFolder) return `${named(path)} is a directory`;
  const refusal = await refusalOf(path, constants.W_OK);
  return refusal === undefined ? undefined : `${name} is not writable by this user (${refusal})`;
}

/** Finds `path` or its nearest existing parent, or says why it cannot. Bounded: by the path. */
export async function nearestExisting(
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

/** The system's error code; `undefined` if access is granted. */
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

/** Quotes a path for messages; it may be a misplaced address with a password. */
export function named(path: string): string {
  return quoted(withoutAddressSecrets(path));
}
