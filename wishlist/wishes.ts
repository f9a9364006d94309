import type { Node } from 'js-yaml';
import { equalPlatforms, formatPlatform } from './platform.ts';
import type { Problem } from './problem.ts';
import { quoted } from './quote.ts';
import { formatReference } from './reference.ts';
import { readWish, type Wish } from './wish.ts';
import type { YamlText } from './yaml.ts';

/**
 * The wishes in the items of `input`, and what is wrong with the other items. A further wish for the same image counts
 * only where it adds platforms.
 */
export function readWishes(yaml: YamlText, items: readonly Node[]): { wishes: Wish[]; problems: Problem[] } {
  const wishes: Wish[] = [];
  const byImage = new Map<string, Wish[]>();
  const problems: Problem[] = [];
  for (const item of items) {
    const { wish, problems: own } = readWish(yaml, item);
    problems.push(...own);
    if (wish === undefined) continue;
    const image = formatReference(wish.reference);
    const earlier = byImage.get(image) ?? [];
    const counts = addsPlatforms(wish, earlier);
    if (counts) {
      wishes.push(wish);
      byImage.set(image, [...earlier, wish]);
    }
    const [first] = earlier;
    if (first === undefined) continue;
    const { column } = yaml.positionOf(item);
    problems.push(counts ? divided(wish, first, column) : repeated(wish, first, column));
  }
  return { wishes, problems };
}

/** Whether `wish` asks for more than the `earlier` ones for the same image do. */
function addsPlatforms({ settings: { platforms } }: Wish, earlier: readonly Wish[]): boolean {
  if (platforms === undefined) return earlier.every((wish) => wish.settings.platforms !== undefined);
  const named = earlier.flatMap((wish) => wish.settings.platforms ?? []);
  return !platforms.every((platform) => named.some((other) => equalPlatforms(other, platform)));
}

function repeated(wish: Wish, first: Wish, column: number): Problem {
  return {
    ...repetition(wish, first, column),
    hint: `remove line ${wish.line}: it does not count`,
  };
}

function divided(wish: Wish, first: Wish, column: number): Problem {
  const problem = repetition(wish, first, column);
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
