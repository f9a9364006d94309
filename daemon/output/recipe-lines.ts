import type { Recipe } from '../../wishlist/recipe/recipe.ts';
import type { Expansion, RecipeProblem } from '../../wishlist/meaning/expand.ts';
import { counted } from '../../core/text.ts';
import { groupBy } from '../../core/group-by.ts';
import { RECIPE_LIMITS } from '../../wishlist/recipe/limits.ts';
import { Failure, withHint } from '../../core/failure.ts';
import { position, type Problem } from '../../wishlist/recipe/problem.ts';

/** A line of a recipe that gives no image, or not all of its images. */
export interface FailedLine {
  /** The line as written. */
  readonly text: string;
  /** Its message begins with `FILE:LINE:COLUMN:`. */
  readonly failure: Failure;
}

/** Codes of failures for errors in recipes; others are `reference-invalid`. */
const CODES: Readonly<Partial<Record<Problem['code'], Failure['code']>>> = {
  'platform-invalid': 'platform-invalid',
  'setting-invalid': 'setting-invalid',
  'key-unknown': 'setting-invalid',
  'wishes-too-many': 'recipe-invalid',
  'problems-omitted': 'recipe-invalid',
  'pattern-too-wide': 'pattern-too-wide',
  'pattern-too-costly': 'pattern-too-wide',
  'images-too-many': 'pattern-too-wide',
  'registry-not-allowed': 'not-allowed',
  'repository-not-allowed': 'not-allowed',
  'subdirectory-not-allowed': 'not-allowed',
  'http-not-allowed': 'not-allowed',
  'name-conflict': 'name-conflict',
};

/** Lines that cannot be understood, and patterns that cannot be expanded. */
export function failedLines(recipes: readonly Recipe[], expansion: Expansion): FailedLine[] {
  const errors = problemsOf(recipes, expansion).filter(({ problem }) => problem.severity === 'error');
  return [
    ...errors.map(({ recipe, problem }) => ({
      text: problem.text,
      failure: placed(recipe, problem, CODES[problem.code] ?? 'reference-invalid'),
    })),
    ...unlisted(expansion),
  ];
}

/** The code of {@link unmatchedLines}. */
export const UNMATCHED = 'pattern-unmatched' satisfies Problem['code'];

/** A line that gives no image now, and may be meant to. */
export interface UnmatchedLine {
  readonly text: string;
  readonly failure: Pick<Failure, 'message' | 'hint'> & { readonly code: typeof UNMATCHED };
}

/** Patterns that match nothing. */
export function unmatchedLines({ problems }: Expansion): UnmatchedLine[] {
  return problems.flatMap(({ recipe: { file }, problem }) => {
    if (problem.code !== UNMATCHED) return [];
    const message = `${position(file, problem)} ${problem.message}`;
    return [{ text: problem.text, failure: { code: UNMATCHED, message, hint: problem.hint } }];
  });
}

/** Lines whose tags could not be listed, limited for each recipe as its problems are. */
function unlisted({ failures }: Expansion): FailedLine[] {
  const byRecipe = groupBy(failures, ({ recipe }) => recipe);
  return [...byRecipe].flatMap(([recipe, all]) => {
    const told = all.slice(0, RECIPE_LIMITS.problems);
    const lines = told.map(({ wish, failure: { code, message, hint } }) => ({
      text: wish.text,
      failure: placed(recipe, { line: wish.line, column: undefined, message, hint }, code),
    }));
    const next = all[told.length];
    if (next === undefined) return lines;
    const { failure, wish } = next;
    const rest = `so do ${counted(all.length - told.length, 'further line')} for whose repositories tags cannot be listed`;
    const place = { line: wish.line, column: undefined, message: rest, hint: failure.hint };
    return lines.concat({ text: 'recipe', failure: placed(recipe, place, failure.code) });
  });
}

/** The warnings, then the notes. */
export function problemEvents(
  recipes: readonly Recipe[],
  expansion: Expansion,
): { type: 'warning' | 'note'; message: string }[] {
  const problems = problemsOf(recipes, expansion);
  return (['warning', 'note'] as const).flatMap((type) =>
    problems
      .filter(({ problem }) => problem.severity === type)
      .map((problem) => ({ type, message: textOf(problem) })),
  );
}

/** `FILE:LINE:COLUMN: MESSAGE; HINT` */
export function textOf({ recipe, problem }: RecipeProblem): string {
  return `${position(recipe.file, problem)} ${withHint(problem)}`;
}

function problemsOf(recipes: readonly Recipe[], expansion: Expansion): RecipeProblem[] {
  const own = recipes.flatMap((recipe) => recipe.problems.map((problem) => ({ recipe, problem })));
  return [...own, ...expansion.problems];
}

function placed(
  { file }: Recipe,
  problem: Pick<Problem, 'line' | 'column' | 'message' | 'hint'>,
  code: Failure['code'],
): Failure {
  const { message, hint } = problem;
  return new Failure(code, `${position(file, problem)} ${message}`, { hint });
}
