import { groupBy } from '../../core/group-by.ts';
import { equalPlatforms, LINUX_AMD64, type Platform } from '../../core/oci/platform.ts';
import { versionSuffix } from '../../core/oci/reference.ts';
import type { Recipe } from '../recipe/recipe.ts';
import type { Keep, WishSettings } from '../recipe/settings.ts';
import { narrowed } from '../tags/tag-selection.ts';
import { protectedNames, uncertaintiesOfLines, uncertaintyOfWish, type Uncertainty } from './uncertainty.ts';
import { effectiveSettings, longestKeep, namesOf } from './wished-image.ts';

/** Where public names stand. */
export interface Place {
  readonly repository: string;
  readonly platform: Platform;
}

/**
 * Those of `names`, public names at `place`, that lines of `recipes` may mean, wrong lines included, without asking any registry.
 * How long each is to be kept at most stands beside it; `undefined` where no line says it.
 */
export function meantNames(
  names: readonly string[],
  recipes: readonly Recipe[],
  place: Place,
  defaults: WishSettings,
): Map<string, Keep | undefined> {
  const known = new Set(names);
  const meant = new Map<string, Keep | undefined>();
  const add = (name: string, keep: Keep | undefined): void =>
    void meant.set(name, longestKeep(meant.get(name), keep));
  const lines = recipes.flatMap((recipe) => linesAt(recipe, place, defaults));
  for (const { name, keep } of lines) if (name !== undefined && known.has(name)) add(name, keep);
  // Together, since each look at all names costs time.
  for (const alike of groupBy(lines, ({ keep }) => JSON.stringify(keep)).values()) {
    const reaches = alike.flatMap(({ reach }) => reach ?? []);
    for (const name of protectedNames(names, reaches, place.repository)) add(name, alike[0]?.keep);
  }
  const wrong = recipes.flatMap(uncertaintiesOfLines);
  for (const name of protectedNames(names, wrong, place.repository)) add(name, undefined);
  return meant;
}

/** What a line means at one place: a name, or all that a pattern reaches. */
interface Line {
  readonly name: string | undefined;
  readonly reach: Uncertainty | undefined;
  readonly keep: Keep | undefined;
}

function linesAt(recipe: Recipe, { repository, platform }: Place, defaults: WishSettings): Line[] {
  return recipe.wishes.flatMap((wish): Line[] => {
    if (!(wish.repositories ?? recipe.repositories).includes(repository)) return [];
    const { platforms, subdirectory, exclude, keep } = effectiveSettings({ recipe, wish }, defaults);
    const all = platforms?.map((one) => one.platform) ?? [LINUX_AMD64];
    if (!all.some((one) => equalPlatforms(one, platform))) return [];
    const selection = narrowed(wish.selection, exclude);
    if (selection !== undefined)
      return [
        { name: undefined, reach: uncertaintyOfWish({ recipe, wish }, { selection, subdirectory }), keep },
      ];
    const name = `${namesOf(wish.reference, subdirectory)}${versionSuffix(wish.reference)}`;
    return [{ name, reach: undefined, keep }];
  });
}
