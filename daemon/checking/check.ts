import { changesSince, type RecipeChanges } from '../../wishlist/check/changes.ts';
import { findingOf, type RecipeFinding, type Remark, judgeRegistry } from '../../wishlist/check/finding.ts';
import { findOverlaps } from '../../wishlist/check/overlaps.ts';
import { totalOf } from '../../wishlist/check/sizes.ts';
import { mapLimited } from '../../core/concurrency.ts';
import { isFailure, type Failure } from '../../core/failure.ts';
import { quoted } from '../../core/text.ts';
import type { Recipe } from '../../wishlist/recipe/recipe.ts';
import type { Wish } from '../../wishlist/recipe/wish.ts';
import { type Base, unreadable, type RecipeSource } from './recipe-source.ts';
import { lossRemarks, lostNames, type LostName, type RemovalCheck } from './removals.ts';
import type { WishProbe } from './registry-probe.ts';
import type { CheckedWish, CheckReport } from './report.ts';

const WISHES_AT_A_TIME = 8;

const REMOVALS_SHOWN = 20;

/** Position of remarks on a whole recipe. */
const OF_THE_FILE = { severity: 'warning', line: 1, column: undefined, text: '' } as const;

export interface CheckOptions {
  /** As given. */
  readonly base: string | undefined;
  readonly allowedRegistries: readonly string[] | undefined;
  /** Asks registries about one wish; `undefined` if none may be asked. */
  readonly ask: ((wish: Wish, recipe: Recipe) => Promise<WishProbe>) | undefined;
  /** What is published, by recipe. */
  readonly removals: (file: string) => RemovalCheck;
}

/** A valid recipe and its differences from the earlier version. */
interface ChangedRecipe {
  readonly source: RecipeSource;
  readonly recipe: Recipe;
  readonly base: Base;
  readonly changes: RecipeChanges;
}

/** @param bases in the order of `sources` */
export async function checkRecipes(
  sources: readonly RecipeSource[],
  bases: readonly Base[],
  options: CheckOptions,
): Promise<CheckReport> {
  const subjects = sources.flatMap((source, index): ChangedRecipe[] => {
    const { content: recipe } = source;
    if (isFailure(recipe)) return [];
    const base = bases[index];
    return [{ source, recipe, base, changes: changesSince(isFailure(base) ? undefined : base, recipe) }];
  });
  const wishes = subjects.flatMap((subject) =>
    [...subject.changes.wishes].map((wish) => ({ subject, wish })),
  );
  const checked = await mapLimited(
    wishes,
    WISHES_AT_A_TIME,
    async ({ subject, wish }) => await checkWish(subject, wish, options),
  );
  const lost = await Promise.all(subjects.map(async (subject) => await lostBy(subject, subjects, options)));
  const findings = [
    ...sources.flatMap(({ file, content }) => (isFailure(content) ? [unreadable(file, content)] : [])),
    ...subjects.flatMap(ownFindings),
    ...lost.flatMap((one) => one.findings),
    ...overlapFindings(subjects),
    ...subjects.flatMap((subject) => policyFindings(subject, options)),
    ...checked.flatMap((one) => one.findings),
  ];
  const files = sources.map(({ file }) => file);
  return {
    recipes: sources.map(({ file, lines, content }) => ({
      file,
      lines,
      wishes: isFailure(content) ? undefined : content.wishes.length,
    })),
    findings: findings.sort(
      (one, other) => files.indexOf(one.file) - files.indexOf(other.file) || one.line - other.line,
    ),
    wishes: checked.map(({ wish }) => wish),
    lost: lost.flatMap((one) => one.names),
    sum: totalOf(checked.flatMap(({ wish }) => wish.images)),
    base: options.base,
    isOffline: options.ask === undefined,
  };
}

/** What the recipe takes away of what is published. */
async function lostBy(
  subject: ChangedRecipe,
  subjects: readonly ChangedRecipe[],
  { removals }: CheckOptions,
): Promise<{ readonly names: readonly LostName[]; readonly findings: readonly RecipeFinding[] }> {
  const { base, recipe, source } = subject;
  if (isFailure(base)) return { names: [], findings: [] };
  const check = removals(source.file);
  const names = await lostNames(
    base,
    recipe,
    subjects.map((one) => one.recipe),
    check,
  );
  const remarks = lossRemarks(names, base !== undefined, check.removalLimit);
  return { names, findings: remarks.map((remark) => found(subject, remark, true)) };
}

/** Problems of the recipe itself, and lines that were removed. */
function ownFindings(subject: ChangedRecipe): RecipeFinding[] {
  const { recipe, base, changes } = subject;
  const findings = recipe.problems.map((problem) => found(subject, problem, changes.problems.has(problem)));
  const remarks = isFailure(base) ? [unusableBase(base)] : removal(changes);
  return [...remarks.map((remark) => found(subject, remark, true)), ...findings];
}

function unusableBase({ message }: Failure): Remark {
  const text = `the earlier version is not a valid recipe, so every line counts as new: ${message}`;
  return { ...OF_THE_FILE, code: 'base-unusable', message: text, hint: undefined };
}

function removal({ removed }: RecipeChanges): Remark[] {
  if (removed.length === 0) return [];
  const shown = removed.slice(0, REMOVALS_SHOWN).map((text) => quoted(text));
  const left = removed.length - shown.length;
  const list = [...shown, ...(left > 0 ? [`${left} more`] : [])].join(', ');
  const message = `no longer asked for: ${list}`;
  return [{ ...OF_THE_FILE, code: 'wishes-removed', message, hint: 'see that nobody else needs them' }];
}

function overlapFindings(subjects: readonly ChangedRecipe[]): RecipeFinding[] {
  const byRecipe = new Map(subjects.map((subject) => [subject.recipe, subject]));
  return findOverlaps([...byRecipe.keys()]).flatMap(({ recipe, wish, remark }) => {
    const subject = byRecipe.get(recipe);
    return subject === undefined ? [] : [found(subject, remark, subject.changes.wishes.has(wish))];
  });
}

function policyFindings(subject: ChangedRecipe, { allowedRegistries }: CheckOptions): RecipeFinding[] {
  return subject.recipe.wishes.flatMap((wish) => {
    const remark = judgeRegistry(wish, allowedRegistries);
    return remark === undefined ? [] : [found(subject, remark, subject.changes.wishes.has(wish))];
  });
}

/** Skips registries that are not allowed: otherwise a recipe could direct requests anywhere. */
async function checkWish(
  subject: ChangedRecipe,
  wish: Wish,
  { ask, allowedRegistries }: CheckOptions,
): Promise<{ wish: CheckedWish; findings: RecipeFinding[] }> {
  const { file } = subject.source;
  const { line, text } = wish;
  const isAllowed = judgeRegistry(wish, allowedRegistries) === undefined;
  const answer = isAllowed ? await ask?.(wish, subject.recipe) : undefined;
  const { tags, images = [], remarks = [] } = answer ?? {};
  return {
    wish: { file, line, text, tags, images, sum: totalOf(images) },
    findings: remarks.map((remark) => found(subject, remark, true)),
  };
}

function found({ source: { file, lines } }: ChangedRecipe, remark: Remark, isNew: boolean): RecipeFinding {
  return findingOf(remark, { file, lines, isNew });
}
