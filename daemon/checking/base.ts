import { stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { GitError, simpleGit, type SimpleGit } from 'simple-git';
import { hasCode } from '../../wishlist/error-code.ts';
import { Failure, isFailure } from '../../wishlist/failure.ts';
import { quoted } from '../../wishlist/quote.ts';
import { parseRecipe, type Recipe } from '../../wishlist/recipe/recipe.ts';
import { readTextFile } from '../../wishlist/recipe/text-file.ts';

/** The earlier version of a recipe; `undefined` where there was none; a failure where it was no recipe. */
export type Base = Recipe | Failure | undefined;

const HINT =
  'name a file, or a commit or branch of the git repository that the recipe lies in, fetched before';

/**
 * The earlier versions of recipes: `base` is a file, or anything that names a commit in the git repository of each.
 *
 * @throws Failure `configuration-invalid` where `base` is neither; `recipe-unreadable` for a file that cannot be read
 */
export async function readBases(base: string, files: readonly string[]): Promise<Base[]> {
  if (!(await isFile(base))) {
    return await Promise.all(files.map(async (file) => await recipeAt(base, file)));
  }
  if (files.length > 1) {
    throw new Failure('configuration-invalid', `--base names the file ${quoted(base)} for several recipes`, {
      hint: 'check one recipe at a time, or name a commit',
    });
  }
  const text = await readTextFile(base);
  return [parsed(text, base)];
}

/** Pipes too: a shell makes one of `<(command)`. */
async function isFile(path: string): Promise<boolean> {
  try {
    const found = await stat(path);
    return found.isFile() || found.isFIFO();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ENAMETOOLONG')) return false;
    throw error;
  }
}

async function recipeAt(ref: string, file: string): Promise<Base> {
  const path = resolve(file);
  try {
    const text = await textAt(simpleGit(dirname(path)), ref, basename(path));
    return text === undefined ? undefined : parsed(text, `${ref}:${file}`);
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    const [reason = ''] = error.message.trim().split('\n');
    throw new Failure(
      'configuration-invalid',
      `--base ${quoted(ref)} cannot be read: git says ${quoted(reason)}`,
      {
        hint: HINT,
        cause: error,
      },
    );
  }
}

/** What `name` in the folder of `git` was at `ref`. Plumbing alone: no filter or driver of the repository runs. */
async function textAt(git: SimpleGit, ref: string, name: string): Promise<string | undefined> {
  const commit = await git.raw('rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`);
  const id = commit.trim();
  if (id === '') {
    throw new Failure('configuration-invalid', `--base ${quoted(ref)} is neither a file nor a commit`, {
      hint: HINT,
    });
  }
  const entry = await git.raw('--literal-pathspecs', 'ls-tree', '-z', id, '--', name);
  const [, blob] = /^\d+ blob ([0-9a-f]+)\t/.exec(entry) ?? [];
  return blob === undefined ? undefined : await git.raw('cat-file', 'blob', blob);
}

function parsed(text: string, name: string): Recipe | Failure {
  try {
    return parseRecipe(text, name);
  } catch (error) {
    if (isFailure(error, 'recipe-unreadable', 'recipe-invalid')) return error;
    throw error;
  }
}
