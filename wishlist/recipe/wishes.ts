import type { Node } from 'js-yaml';
import { equalPlatforms, formatPlatform } from '../reference/platform.ts';
import type { Problem } from './problem.ts';
import { quoted } from '../quote.ts';
import { formatReference } from '../reference/reference.ts';
import { readWish, type InputContext, type Wish } from './wish.ts';
import type { YamlText } from './yaml.ts';

/**
 * The wishes in the items of `input`, and what is wrong with the other items. A further wish for the same image in the
 * same place counts only where it adds platforms, or says something else in its other settings.
 */
export function readWishes(
  yaml: YamlText,
  items: readonly Node[],
  context: InputContext,
): { wishes: Wish[]; problems: Problem[] } {
  const wishes: Wish[] = [];
  const byImage = new Map<string, Wish[]>();
  const problems: Problem[] = [];
  for (const item of items) {
    const { wish, problems: own } = readWish(yaml, item, context);
    problems.push(...own);
    if (wish === undefined) continue;
    const image = imageKey(wish);
    const alike = byImage.get(image) ?? [];
    const earlier = alike.filter((other) => shareRepositories(wish, other));
    const counts = addsSomething(wish, earlier);
    if (counts) {
      wishes.push(wish);
      byImage.set(image, [...alike, wish]);
    }
    const [first] = earlier;
    if (first === undefined) continue;
    const { column } = yaml.positionOf(item);
    problems.push(counts ? divided(wish, first, column) : repeated(wish, first, column));
  }
  return { wishes, problems };
}

/** Equal for wishes that mean the same image, or images, under the same names. */
function imageKey({ reference, selection, settings: { subdirectory } }: Wish): string {
  return JSON.stringify([formatReference(reference), selection, subdirectory]);
}

function shareRepositories({ repositories: some }: Wish, { repositories: others }: Wish): boolean {
  return some === undefined || others === undefined || some.some((name) => others.includes(name));
}

/** Whether `wish` asks for more than the `earlier` ones for the same image do. */
function addsSomething(wish: Wish, earlier: readonly Wish[]): boolean {
  const {
    settings: { platforms },
  } = wish;
  const alike = earlier.filter((other) => restOf(other) === restOf(wish));
  if (platforms === undefined) return alike.every((other) => other.settings.platforms !== undefined);
  const named = alike.flatMap((other) => other.settings.platforms ?? []);
  return !platforms.every((platform) => named.some((other) => equalPlatforms(other, platform)));
}

/** What a wish says beside its image and platforms. */
function restOf({ settings, repositories }: Wish): string {
  const { outputs, keep, exclude, limit } = settings;
  return JSON.stringify([sorted(outputs), keep, sorted(exclude), limit, sorted(repositories)]);
}

function sorted(names: readonly string[] | undefined): readonly string[] | undefined {
  return names && [...names].sort();
}

function repeated(wish: Wish, first: Wish, column: number): Problem {
  return {
    ...repetition(wish, first, column),
    hint: `remove line ${wish.line}: it does not count`,
  };
}

function divided(wish: Wish, first: Wish, column: number): Problem {
  const problem = repetition(wish, first, column);
  if (restOf(wish) !== restOf(first)) {
    const message = `${problem.message}, with other settings`;
    return { ...problem, message, hint: 'make the lines one; as they stand, both count' };
  }
  return {
    ...problem,
    message: `${problem.message}, here for ${listed(wish)}, there for ${listed(first)}`,
    hint: 'make the lines one; as they stand, the platforms of all of them count',
  };
}

function listed({ settings: { platforms } }: Wish): string {
  return platforms === undefined ? 'no platform by name' : platforms.map(formatPlatform).join(', ');
}

function repetition(wish: Wish, first: Wish, column: number): Omit<Problem, 'hint'> {
  const image = quoted(formatReference(wish.reference));
  const schemes =
    wish.reference.scheme === first.reference.scheme ? '' : `, there with ${first.reference.scheme}://`;
  return {
    severity: 'warning',
    code: 'wish-repeated',
    line: wish.line,
    column,
    text: wish.text,
    message: `${image} in line ${wish.line} is already asked for in line ${first.line}${schemes}`,
  };
}
