import { groupBy } from '../../core/group-by.ts';
import { formatPlatform } from '../../core/oci/platform.ts';
import { position } from '../recipe/problem.ts';
import { quoted } from '../../core/text.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { formatReference } from '../../core/oci/reference.ts';
import { covers, type TagSelection } from '../tags/tag-selection.ts';
import type { Wish } from '../recipe/wish.ts';
import { settingsOver } from '../recipe/settings.ts';
import { type Remark, remarkOn } from './finding.ts';

/** A wish and the recipe that it stands in. */
interface Placed {
  readonly recipe: Recipe;
  readonly wish: Wish;
}

/** A remark about one of the wishes of `recipe`. */
export interface Overlap extends Placed {
  readonly remark: Remark;
}

/**
 * Wishes that others make superfluous: the same image in an earlier recipe, and images that a pattern of another line
 * means. What one recipe says twice is a problem of its reading.
 */
export function findOverlaps(recipes: readonly Recipe[]): Overlap[] {
  const all = recipes.flatMap((recipe) => recipe.wishes.map((wish) => ({ recipe, wish })));
  const byRepository = groupBy(all, repositoryOf);
  return all.flatMap((placed) => {
    const neighbours = byRepository.get(repositoryOf(placed)) ?? [];
    const remark = elsewhere(placed, neighbours) ?? covered(placed, neighbours);
    return remark === undefined ? [] : [{ ...placed, remark }];
  });
}

function elsewhere(placed: Placed, neighbours: readonly Placed[]): Remark | undefined {
  const image = formatReference(placed.wish.reference);
  const before = neighbours.slice(0, neighbours.indexOf(placed));
  const same = before.find(
    (other) => other.recipe !== placed.recipe && isSameImage(placed, other) && isForSame(placed, other),
  );
  if (same === undefined) return undefined;
  return remarkOn(placed.wish, 'warning', {
    code: 'wish-elsewhere',
    message: `${quoted(image)} is already asked for at ${placeOf(same)}`,
    hint: 'remove one of the two lines',
  });
}

function covered(placed: Placed, neighbours: readonly Placed[]): Remark | undefined {
  const { wish } = placed;
  const tag = knownTag(wish);
  if (tag === undefined) return undefined;
  const pattern = neighbours.find(
    (other) =>
      other !== placed &&
      other.wish.selection !== undefined &&
      isForSame(placed, other) &&
      hasPlatformsOf(other, placed) &&
      coversWish(other.wish.selection, wish, tag),
  );
  if (pattern === undefined) return undefined;
  return remarkOn(wish, 'note', {
    code: 'wish-covered',
    message: `${quoted(wish.text)} is meant by the pattern ${quoted(pattern.wish.text)} at ${placeOf(pattern)} as well`,
    hint: 'this line adds nothing while that one stands',
  });
}

/**
 * The tag of a wish for one image; of one for a plain pattern the pattern, which stands for its tags: what matches it
 * as a text matches each of them.
 */
function knownTag({ reference, selection }: Wish): string | undefined {
  if (reference.digest !== undefined) return undefined;
  if (selection === undefined) return reference.tag;
  const [only, ...others] = selection.include;
  return others.length === 0 && only !== undefined && isOfStars(only) ? only : undefined;
}

/** A plain pattern covers another one that is narrower. */
function coversWish(selection: TagSelection, wish: Wish, tag: string): boolean {
  if (wish.selection === undefined) return covers(selection, tag);
  const isWider = !selection.include.includes(tag);
  const isPlain = selection.exclude.length === 0 && selection.include.every(isOfStars);
  return isWider && isPlain && covers(selection, tag);
}

/** Returns whether the only wildcard of a pattern is `*`. */
function isOfStars(pattern: string): boolean {
  return /^[\w.*-]+$/.test(pattern);
}

function repositoryOf({ wish: { reference } }: Placed): string {
  return `${reference.registry}/${reference.repository}`;
}

function isSameImage(one: Placed, other: Placed): boolean {
  const [first, second] = [one, other].map(({ wish: { reference, selection } }) =>
    JSON.stringify([formatReference(reference), selection]),
  );
  return first === second;
}

function isForSame(one: Placed, other: Placed): boolean {
  const targets = targetsOf(other);
  return targetsOf(one).some((name) => targets.includes(name));
}

function targetsOf({ recipe, wish }: Placed): readonly string[] {
  return wish.repositories ?? recipe.repositories;
}

/** Returns whether `one` has every platform of `other`. */
function hasPlatformsOf(one: Placed, other: Placed): boolean {
  const has = platformsOf(one);
  return platformsOf(other).every((platform) => has.includes(platform));
}

function platformsOf({ recipe, wish }: Placed): string[] {
  const { platforms } = settingsOver(wish.settings, recipe.defaults);
  return platforms?.map(formatPlatform) ?? ['by default'];
}

function placeOf({ recipe, wish }: Placed): string {
  return position(recipe.file, { line: wish.line, column: undefined }).replace(/:$/, '');
}
