import { join, relative, resolve } from 'node:path';
import { exactSize, quoted } from '../../core/text.ts';
import { Failure, isFailure } from '../../core/failure.ts';
import { parseRecipe, type Recipe, type RecipeOptions } from '../../wishlist/recipe/recipe.ts';
import { decodeText, MAXIMUM_BYTES, readTextFile } from '../../wishlist/recipe/text-file.ts';
import { GitCommandError, openGitForReading, type Git } from '../../wishlist/sources/git/command.ts';
import type { SourceLimits } from '../../wishlist/sources/source.ts';
import { topLevelOf } from './recipe-source.ts';

/** The earlier version of a recipe; `undefined` where there was none; a failure where it was no recipe. */
export type Base = Recipe | Failure | undefined;

const HINT = 'name a commit or branch of the git repository that the recipe lies in, fetched before';
const LIMITS = { timeLimitMs: 60_000, sizeLimitBytes: 0 };

/** Where recipes are looked for in git. */
export interface BaseContext extends Pick<SourceLimits, 'environment' | 'signal'>, RecipeOptions {
  readonly currentDirectory: string;
}

/**
 * The earlier version of the only recipe in `files`, as a file.
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
 * The versions of recipes at the commit that `ref` names in the git repository of each. A file is never meant, since
 * whoever asks for a change may add one of any name.
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
  if (top === undefined) throw unusable(ref, `${quoted(file)} is in no git repository`);
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

/** What the file at `path`, from the top level, was at `ref`. Plumbing alone: no filter or driver runs. */
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
  if (error.isMissing) return 'there is no git on this machine, or no timeout or prlimit to start it with';
  if (error.isTooLate) return 'git did not end in time';
  const lines = error.stderr.split('\n');
  const line = lines.find((one) => /^(?:fatal|error): /.test(one)) ?? lines[0];
  return `git says ${quoted(line ?? '')}`;
}

function unusable(ref: string, reason: string, cause?: unknown): Failure {
  return new Failure('configuration-invalid', `--base ${quoted(ref)} cannot be read: ${reason}`, {
    hint: HINT,
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
