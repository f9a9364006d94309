import type { Node } from 'js-yaml';
import { isFailure } from './failure.ts';
import type { Problem } from './problem.ts';
import { quoted } from './quote.ts';
import { formatReference, parseReference, type ImageReference } from './reference.ts';
import { withoutSecrets } from './secrets.ts';
import { isText, kindOf, type Content, type YamlText } from './yaml.ts';

/** One line of a wishlist: an image, or all the images that a tag pattern means. */
export interface Wish {
  /** As written, without the white space around it. */
  readonly text: string;
  /** From 1. */
  readonly line: number;
  readonly reference: ImageReference;
}

/** The wishes in the items of `input`, each image once, and what is wrong with the other items. */
export function readWishes(yaml: YamlText, items: readonly Node[]): { wishes: Wish[]; problems: Problem[] } {
  const wishes = new Map<string, Wish>();
  const problems: Problem[] = [];
  for (const item of items) {
    const wish = readWish(yaml, item);
    if ('severity' in wish) {
      problems.push(wish);
      continue;
    }
    const key = formatReference(wish.reference);
    const first = wishes.get(key);
    if (first === undefined) wishes.set(key, wish);
    else problems.push(repeated(wish, first, yaml.positionOf(item).column));
  }
  return { wishes: [...wishes.values()], problems };
}

function readWish(yaml: YamlText, item: Node): Wish | Problem {
  const content = yaml.content(item);
  const place = yaml.positionOf(item);
  if (content.kind !== 'scalar' || !isText(content)) {
    const text = withoutSecrets(yaml.lineOf(item));
    return {
      severity: 'error',
      code: 'reference-invalid',
      ...place,
      text,
      message: `${quoted(text)} is no image reference: it is ${kindOf(content)}`,
      hint: hintFor(content),
    };
  }
  const text = content.value.trim();
  try {
    return { text, line: place.line, reference: parseReference(text) };
  } catch (error) {
    if (!isFailure(error, 'reference-invalid')) throw error;
    const { message, hint } = error;
    return {
      severity: 'error',
      code: 'reference-invalid',
      ...place,
      text: withoutSecrets(text),
      message,
      hint,
    };
  }
}

function hintFor(content: Content): string {
  if (content.kind === 'mapping')
    return 'put the line in quotes: a colon before a space or at the end makes it a mapping';
  if (content.kind === 'sequence') return 'list the images one by one, not in a list within the list';
  if (kindOf(content) === 'empty') return 'remove the dash, or write an image after it';
  return 'write REGISTRY/REPOSITORY[:TAG], in quotes where YAML would read something else';
}

function repeated(wish: Wish, first: Wish, column: number): Problem {
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
    hint: `remove line ${wish.line}; only line ${first.line} counts`,
  };
}
