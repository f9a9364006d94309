import { linesOf, type Finding } from '../../wishlist/check/finding.ts';
import { isFailure, type Failure } from '../../wishlist/failure.ts';
import { printable } from '../../wishlist/quote.ts';
import { parseRecipe, type Recipe } from '../../wishlist/recipe/recipe.ts';
import { readTextFile } from '../../wishlist/recipe/text-file.ts';

/** A recipe file, as far as it can be read. */
export interface RecipeSource {
  readonly file: string;
  readonly lines: readonly string[];
  /** The recipe, or why there is none: `recipe-unreadable` or `recipe-invalid`. */
  readonly content: Recipe | Failure;
}

export async function readRecipeSource(file: string): Promise<RecipeSource> {
  let lines: readonly string[] = [];
  try {
    const text = await readTextFile(file);
    lines = linesOf(text);
    return { file, lines, content: parseRecipe(text, file) };
  } catch (error) {
    if (!isFailure(error, 'recipe-unreadable', 'recipe-invalid')) throw error;
    return { file, lines, content: error };
  }
}

/** A recipe that is none, as a finding in its place: the message of such a failure begins with `FILE:LINE:COLUMN:`. */
export function unreadable(file: string, { code, message, hint }: Failure): Finding {
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
