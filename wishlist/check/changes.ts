import { formatPlatform } from '../../core/oci/platform.ts';
import type { Problem } from '../recipe/problem.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { formatReference } from '../../core/oci/reference.ts';
import { settingsOver, type WishSettings } from '../recipe/settings.ts';
import type { TagSelection } from '../tags/tag-selection.ts';
import type { Wish } from '../recipe/wish.ts';

/** The differences between a recipe and an earlier version of it. */
export interface RecipeChanges {
  /** New or changed. */
  readonly wishes: ReadonlySet<Wish>;
  /** New. */
  readonly problems: ReadonlySet<Problem>;
  /** Images that nobody asks for any more, as the earlier version wrote them, in its order. */
  readonly removed: readonly string[];
}

/**
 * Compares by meaning: where a line stands, and how it is written, does not matter. Without an earlier version
 * everything is new.
 */
export function changesSince(
  base: Recipe | undefined,
  { wishes, defaults, problems }: Recipe,
): RecipeChanges {
  if (base === undefined) return { wishes: new Set(wishes), problems: new Set(problems), removed: [] };
  const asked = new Set(wishes.map(imagesOf));
  const known = new Set(base.wishes.map((wish) => meaningOf(wish, base.defaults)));
  return {
    wishes: new Set(wishes.filter((wish) => !known.has(meaningOf(wish, defaults)))),
    problems: newProblems(problems, base.problems),
    removed: base.wishes.filter((wish) => !asked.has(imagesOf(wish))).map(({ text }) => text),
  };
}

/** Equal for wishes that mean the same images, whatever is to become of them. */
function imagesOf({ reference, selection }: Wish): string {
  return JSON.stringify([formatReference(reference), selectionOf(selection)]);
}

function selectionOf(selection: TagSelection | undefined): readonly unknown[] | undefined {
  return selection && [sorted(selection.include), sorted(selection.exclude), selection.newest];
}

/** Equal for wishes that ask for the same. */
function meaningOf(wish: Wish, defaults: WishSettings): string {
  const settings = settingsOver(wish.settings, defaults);
  const { platforms, outputs, keep, keptDigests, exclude, subdirectory, limit } = settings;
  const { selection, repositories } = wish;
  return JSON.stringify([
    wish.reference.scheme,
    formatReference(wish.reference),
    selectionOf(selection),
    sorted(platforms?.map(formatPlatform)),
    sorted(outputs),
    keep,
    keptDigests,
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
