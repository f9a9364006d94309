import type { Node } from 'js-yaml';
import { formatPlatform, usualPlatform, type Platform } from '../../core/oci/platform.ts';
import { type Problem, OmittedProblems } from './problem.ts';
import { quoted } from '../../core/text.ts';
import { formatReference } from '../../core/oci/reference.ts';
import { RECIPE_LIMITS } from './limits.ts';
import { readWish, type InputContext, type Wish } from './wish.ts';
import type { RecipeText } from './recipe-text.ts';

/**
 * Reads the items of `input`. A further wish for the same image in the same place counts only where it adds platforms, or
 * has other settings. Items after `limit` are not read.
 */
export function readWishes(
  yaml: RecipeText,
  items: readonly Node[],
  { limit, ...context }: InputContext & { readonly limit: number },
): { wishes: Wish[]; problems: Problem[]; omitted: OmittedProblems } {
  const wishes: Wish[] = [];
  const earlier = new EarlierWishes();
  const problems: Problem[] = [];
  const omitted = new OmittedProblems();
  const report = (problem: Problem): void => {
    if (problems.length < RECIPE_LIMITS.problems) problems.push(problem);
    else omitted.add(problem);
  };
  for (const item of items.slice(0, limit)) {
    const { wish, problems: own } = readWish(yaml, item, context);
    for (const problem of own) report(problem);
    if (wish === undefined) continue;
    const { first, counts } = earlier.add(wish);
    if (counts) wishes.push(wish);
    if (first === undefined) continue;
    const { column } = yaml.positionOf(item);
    report(repetition(wish, first, { column, counts }));
  }
  const next = items[limit];
  if (next !== undefined) report(tooMany(yaml, next, { items: items.length, limit }));
  return { wishes, problems, omitted };
}

function tooMany(yaml: RecipeText, node: Node, { items, limit }: { items: number; limit: number }): Problem {
  return {
    severity: 'error',
    code: 'wishes-too-many',
    ...yaml.positionOf(node),
    text: 'input',
    message: `the wishlist has ${items} items from here and before, and ${limit} are allowed: the others are not read`,
    hint: 'write patterns in place of single tags, or let the operator allow more with wish-limit',
  };
}

/** Finds earlier wishes for the same image in constant time. */
class EarlierWishes {
  /** By image and repositories, the first wish of each. */
  readonly #firsts = new Map<string, Map<string, Wish>>();
  /** Platforms by image and settings: `''` where none is named. */
  readonly #platforms = new Map<string, Set<string>>();

  /** @returns the first wish for the same image in the same place, and whether `wish` adds something to those before */
  add(wish: Wish): { readonly first: Wish | undefined; readonly counts: boolean } {
    const image = imageKey(wish);
    const firsts = this.#firsts.get(image) ?? new Map<string, Wish>();
    this.#firsts.set(image, firsts);
    const first = [...firsts.values()].find((other) => shareRepositories(wish, other));
    const place = JSON.stringify(sorted(wish.repositories));
    if (!firsts.has(place)) firsts.set(place, wish);

    const terms = `${image} ${restOf(wish)}`;
    const platforms = this.#platforms.get(terms) ?? new Set<string>();
    this.#platforms.set(terms, platforms);
    const before = platforms.size;
    for (const platform of wish.settings.platforms?.map(usualName) ?? ['']) platforms.add(platform);
    return { first, counts: platforms.size > before };
  }
}

function usualName(platform: Platform): string {
  return formatPlatform(usualPlatform(platform));
}

/** Equal for wishes that mean the same image, or images, under the same names. */
function imageKey({ reference, selection, settings: { subdirectory } }: Wish): string {
  return JSON.stringify([formatReference(reference), selection, subdirectory]);
}

function shareRepositories({ repositories: some }: Wish, { repositories: others }: Wish): boolean {
  return some === undefined || others === undefined || some.some((name) => others.includes(name));
}

/** The settings of a wish beside its platforms. */
function restOf({ settings, repositories }: Wish): string {
  const { outputs, keep, exclude, limit } = settings;
  return JSON.stringify([sorted(outputs), keep, sorted(exclude), limit, sorted(repositories)]);
}

function sorted(names: readonly string[] | undefined): readonly string[] | undefined {
  return names && [...names].sort();
}

/** @param counts whether `wish` adds something to the `first` one */
function repetition(
  wish: Wish,
  first: Wish,
  { column, counts }: { readonly column: number; readonly counts: boolean },
): Problem {
  const { line, text, reference } = wish;
  const schemes =
    reference.scheme === first.reference.scheme ? '' : `, there with ${first.reference.scheme}://`;
  const said = `${quoted(formatReference(reference))} in line ${line} is already asked for in line ${first.line}${schemes}`;
  const problem = { severity: 'warning', code: 'wish-repeated', line, column, text } as const;
  if (!counts) return { ...problem, message: said, hint: `remove line ${line}: it does not count` };
  if (restOf(wish) !== restOf(first)) {
    const message = `${said}, with other settings`;
    return { ...problem, message, hint: 'merge the lines; as they are, both count' };
  }
  const message = `${said}, here for ${listed(wish)}, there for ${listed(first)}`;
  return { ...problem, message, hint: 'merge the lines; as they are, the platforms of all of them count' };
}

function listed({ settings: { platforms } }: Wish): string {
  return platforms === undefined ? 'no named platform' : platforms.map(formatPlatform).join(', ');
}
