import { lstat, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { Failure, isFailure } from '../../core/failure.ts';
import { codeOf, hasCode } from '../../core/system-error.ts';
import { exactSize, printable, quoted } from '../../core/text.ts';
import { type RecipeFinding, linesOf } from '../../wishlist/check/finding.ts';
import { type Recipe, type RecipeOptions, parseRecipe } from '../../wishlist/recipe/recipe.ts';
import { MAXIMUM_BYTES, decodeText, readTextFile } from '../../wishlist/recipe/text-file.ts';
import { type Git, GitCommandError, openGitForReading } from '../../wishlist/sources/git/command.ts';
import type { SourceLimits } from '../../wishlist/sources/source.ts';

/** A recipe file. */
export interface RecipeSource {
  readonly file: string;
  readonly lines: readonly string[];
  /** The recipe, or `recipe-unreadable` or `recipe-invalid`. */
  readonly content: Recipe | Failure;
}

/**
 * Refuses symbolic links, both the recipe itself and folders between it and the top level: a change request could
 * otherwise have lines of any file of the machine shown.
 */
export async function readRecipeSource(
  file: string,
  currentDirectory: string,
  options?: RecipeOptions,
): Promise<RecipeSource> {
  let lines: readonly string[] = [];
  try {
    await refuseLinks(file, currentDirectory);
    const text = await readTextFile(file);
    lines = linesOf(text);
    return { file, lines, content: parseRecipe(text, file, options) };
  } catch (error) {
    if (!isFailure(error, 'recipe-unreadable', 'recipe-invalid')) throw error;
    return { file, lines, content: error };
  }
}

/** @throws Failure `recipe-unreadable` */
async function refuseLinks(file: string, currentDirectory: string): Promise<void> {
  const path = resolve(currentDirectory, file);
  if (isDescriptor(path)) return;
  const top = (await topLevelOf(path, currentDirectory)) ?? currentDirectory;
  const folders = foldersAbove(path).filter((folder) => isWithin(folder, top));
  for (const part of [path, ...folders]) {
    if (!(await isLink(part))) continue;
    throw new Failure(
      'recipe-unreadable',
      `${printable(file)}: the file cannot be read: ${quoted(part)} is a symbolic link`,
      { hint: 'name the file that it leads to, or replace the link with it' },
    );
  }
}

/** Matches `<(command)` of a shell, and standard input. */
function isDescriptor(path: string): boolean {
  return /^\/(?:dev\/fd|proc\/self\/fd)\/\d+$|^\/dev\/stdin$/.test(path);
}

/** Errors are left to the reader, who fails as well and says why. */
async function isLink(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink();
  } catch (error) {
    if (codeOf(error) !== undefined) return false;
    throw error;
  }
}

/** Turns the failure of an invalid recipe into a finding: its message begins with `FILE:LINE:COLUMN:`. */
export function unreadable(file: string, { code, message, hint }: Failure): RecipeFinding {
  const name = `${printable(file)}:`;
  const rest = message.startsWith(name) ? message.slice(name.length) : message;
  const [, line, column, reason = rest.trim()] = /^(\d+):(?:(\d+):)? (.*)$/s.exec(rest) ?? [];
  return {
    severity: 'error',
    code,
    file,
    line: Number(line ?? 1),
    column: column === undefined ? undefined : Number(column),
    endColumn: undefined,
    text: '',
    message: reason,
    hint,
    isNew: true,
  };
}

/**
 * The top level of the git repository that holds the file `path`; `undefined` if there is none. Git is not asked,
 * since it would accept a folder that a change request brings. The repository of the current directory wins if it
 * contains the file, then the outermost one: deeper ones may come from the request.
 */
async function topLevelOf(path: string, currentDirectory: string): Promise<string | undefined> {
  const file = resolve(currentDirectory, path);
  const current = await firstTopLevel([currentDirectory, ...foldersAbove(currentDirectory)]);
  if (current !== undefined && isWithin(file, current)) return current;
  return await firstTopLevel(foldersAbove(file).toReversed());
}

/** True if `path` is below `folder`, by their names. */
function isWithin(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '' && way !== '..' && !way.startsWith('../');
}

/** Innermost first. */
function foldersAbove(path: string): string[] {
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

/** Earlier version of a recipe; `undefined` if it did not exist; a failure if it was invalid. */
export type Base = Recipe | Failure | undefined;

const LIMITS = { timeLimitMs: 60_000, sizeLimitBytes: 0 };

/** Settings for reading recipes from git. */
export interface BaseContext extends Pick<SourceLimits, 'environment' | 'signal'>, RecipeOptions {
  readonly currentDirectory: string;
}

/**
 * Reads the earlier version of the only recipe in `files` from a file.
 *
 * @throws Failure `configuration-invalid` where there are several; `recipe-unreadable` where it cannot be read
 */
export async function readBaseFile(
  base: string,
  files: readonly string[],
  options?: RecipeOptions,
): Promise<Base[]> {
  if (files.length > 1) {
    throw new Failure('configuration-invalid', `--base-file names ${quoted(base)} for several recipes`, {
      hint: 'check one recipe at a time, or name a commit with --base',
    });
  }
  return [parsed(Buffer.from(await readTextFile(base)), base, options)];
}

/**
 * Reads the versions of recipes at the commit that `ref` names in the git repository of each. `ref` never names a
 * file, since a change request may add one of any name.
 *
 * @throws Failure `configuration-invalid` where it names none, or there is no repository
 */
export async function readBases(
  ref: string,
  files: readonly string[],
  context: BaseContext,
): Promise<Base[]> {
  return await Promise.all(files.map(async (file) => await recipeAt(ref, file, context)));
}

async function recipeAt(ref: string, file: string, context: BaseContext): Promise<Base> {
  const path = resolve(context.currentDirectory, file);
  const top = await topLevelOf(path, context.currentDirectory);
  if (top === undefined) throw unusable(ref, `${quoted(file)} is not in a git repository`);
  const git = openGitForReading(join(top, '.git'), { ...context, ...LIMITS });
  try {
    const bytes = await bytesAt(git, ref, relative(top, path));
    return bytes === undefined ? undefined : parsed(bytes, `${ref}:${file}`, context);
  } catch (error) {
    context.signal?.throwIfAborted();
    if (!(error instanceof GitCommandError)) throw error;
    throw unusable(ref, `in ${quoted(top)}: ${reasonOf(error)}`, error);
  }
}

/** Content of the file at `path`, relative to the top level, at `ref`. Plumbing only: no filter or driver runs. */
async function bytesAt(git: Git, ref: string, path: string): Promise<Buffer | undefined> {
  const commit = await git.run('rev-parse', '--verify', '--end-of-options', `${ref}^{commit}`);
  const entry = await git.run('ls-tree', '-z', '--long', '--full-tree', commit.trim(), '--', path);
  const [, blob, size] = /^100\d+ blob ([0-9a-f]+) +(\S+)\t/.exec(entry) ?? [];
  if (blob === undefined) return undefined;
  if (Number(size) > MAXIMUM_BYTES) {
    throw unusable(ref, `${quoted(path)} is larger than ${exactSize(MAXIMUM_BYTES)} there`);
  }
  return await git.blob(blob);
}

function reasonOf(error: GitCommandError): string {
  if (error.isMissing) return 'git, timeout or prlimit is not installed';
  if (error.isTooLate) return 'git did not end in time';
  const lines = error.stderr.split('\n');
  const line = lines.find((one) => /^(?:fatal|error): /.test(one)) ?? lines[0];
  return `git says ${quoted(line ?? '')}`;
}

function unusable(ref: string, reason: string, cause?: unknown): Failure {
  return new Failure('configuration-invalid', `--base ${quoted(ref)} cannot be read: ${reason}`, {
    hint: 'name a commit or branch of the git repository that the recipe lies in, fetched before',
    cause,
  });
}

function parsed(bytes: Buffer, name: string, options?: RecipeOptions): Recipe | Failure {
  try {
    return parseRecipe(decodeText(bytes, name), name, options);
  } catch (error) {
    if (isFailure(error, 'recipe-unreadable', 'recipe-invalid')) return error;
    throw error;
  }
}
