import { formatPlatform } from '../reference/platform.ts';
import type { Problem } from '../recipe/problem.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { formatReference } from '../reference/reference.ts';
import { settingsOver, type WishSettings } from '../recipe/settings.ts';
import type { Wish } from '../recipe/wish.ts';

/** What a recipe has that an earlier version of it had not. */
export interface Changes {
  readonly wishes: ReadonlySet<Wish>;
  readonly problems: ReadonlySet<Problem>;
}

/**
 * Compares by meaning: where a line stands, and how it is written, does not matter. Without an earlier version
 * everything is new.
 */
export function changesSince(base: Recipe | undefined, { wishes, defaults, problems }: Recipe): Changes {
  if (base === undefined) return { wishes: new Set(wishes), problems: new Set(problems) };
  const known = new Set(base.wishes.map((wish) => meaningOf(wish, base.defaults)));
  return {
    wishes: new Set(wishes.filter((wish) => !known.has(meaningOf(wish, defaults)))),
    problems: newProblems(problems, base.problems),
  };
}

/** Equal for wishes that ask for the same. */
function meaningOf(wish: Wish, defaults: WishSettings): string {
  const { platforms, outputs, keep, exclude, subdirectory, limit } = settingsOver(wish.settings, defaults);
  const { selection, repositories } = wish;
  return JSON.stringify([
    wish.reference.scheme,
    formatReference(wish.reference),
    selection && [sorted(selection.include), sorted(selection.exclude), selection.newest],
    sorted(platforms?.map(formatPlatform)),
    sorted(outputs),
    keep,
    sorted(exclude),
    subdirectory,
    limit,
    sorted(repositories),
  ]);
}

function sorted(list: readonly string[] | undefined): readonly string[] | undefined {
  return list?.toSorted();
}

/** A problem that the base has as often is an old one, wherever it stands now. */
function newProblems(problems: readonly Problem[], base: readonly Problem[]): Set<Problem> {
  const known = new Map<string, number>();
  for (const problem of base) known.set(identityOf(problem), (known.get(identityOf(problem)) ?? 0) + 1);
  const fresh = new Set<Problem>();
  for (const problem of problems) {
    const left = known.get(identityOf(problem)) ?? 0;
    if (left === 0) fresh.add(problem);
    else known.set(identityOf(problem), left - 1);
  }
  return fresh;
}

function identityOf({ code, text }: Problem): string {
  return JSON.stringify([code, text]);
}
