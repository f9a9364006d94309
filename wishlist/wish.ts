import type { Node } from 'js-yaml';
import { isFailure } from './failure.ts';
import { readEntries, type Entries } from './mapping.ts';
import { readPlatforms } from './platform-list.ts';
import type { Problem, ProblemCode } from './problem.ts';
import { quoted } from './quote.ts';
import { parseReference, type ImageReference } from './reference.ts';
import { withoutSecrets } from './secrets.ts';
import { NO_SETTINGS, type WishSettings } from './settings.ts';
import { selectionOf, type TagSelection } from './tag-selection.ts';
import { isText, kindOf, type Content, type YamlText } from './yaml.ts';

/** One line of a wishlist: an image, or all the images that a tag pattern means. */
export interface Wish {
  /** The image as written, without the white space around it. */
  readonly text: string;
  /** From 1. */
  readonly line: number;
  readonly reference: ImageReference;
  /** The tags that are asked for; `undefined` for the single image that `reference` names. */
  readonly selection: TagSelection | undefined;
  /** What the wish itself says. */
  readonly settings: WishSettings;
  /** Where it is wanted, among the recipe's repositories; `undefined` for all of them. */
  readonly repositories: readonly string[] | undefined;
}

type Key = 'image' | 'platforms';

const KEYS: readonly Key[] = ['image', 'platforms'];
const REPEATED: Readonly<Record<Key, ProblemCode>> = {
  image: 'reference-invalid',
  platforms: 'platform-invalid',
};

/** What became of an item; without a wish, at least one of the problems is an error. */
export interface Reading {
  readonly wish: Wish | undefined;
  readonly problems: readonly Problem[];
}

interface Image {
  readonly text: string;
  readonly reference: ImageReference;
}

/** Reads an item of `input`: an image, or a mapping with `image` and `platforms`. */
export function readWish(yaml: YamlText, item: Node): Reading {
  const content = yaml.content(item);
  if (content.kind === 'mapping') {
    const entries = readEntries(yaml, content, KEYS);
    const image = entries.values.get('image');
    if (image !== undefined) return readMapping(yaml, item, { image, entries });
  }
  const image = readImage(yaml, item, item);
  if ('severity' in image) return { wish: undefined, problems: [image] };
  return { wish: wishOf(image, yaml.positionOf(item).line, NO_SETTINGS), problems: [] };
}

/** A wish with a wrong platform fails as a whole, like one with a wrong image: its author looks at it anyway. */
function readMapping(
  yaml: YamlText,
  item: Node,
  { image: node, entries }: { image: Node; entries: Entries<Key> },
): Reading {
  const image = readImage(yaml, node, item);
  const list = entries.values.get('platforms');
  const { platforms, problems: wrong } =
    list === undefined ? { platforms: undefined, problems: [] } : readPlatforms(yaml, list);
  const problems = [
    ...entries.problems,
    ...entries.repeated.map((entry) => repeatedKey(yaml, entry, image.text)),
    ...wrong.map((problem) => Object.assign({}, problem, { text: image.text })),
  ];
  if ('severity' in image) return { wish: undefined, problems: [image, ...problems] };
  if (problems.some(({ severity }) => severity === 'error')) return { wish: undefined, problems };
  const settings = { ...NO_SETTINGS, platforms };
  return { wish: wishOf(image, yaml.positionOf(item).line, settings), problems };
}

/** A wish that says no more than `settings`. */
export function wishOf(image: Image, line: number, settings: WishSettings): Wish {
  return { ...image, line, selection: selectionOf(image.reference), settings, repositories: undefined };
}

/** The image in `node`, which is `item` or its `image`. */
function readImage(yaml: YamlText, node: Node, item: Node): Image | Problem {
  const content = yaml.content(node);
  const place = yaml.positionOf(node);
  if (content.kind !== 'scalar' || !isText(content)) {
    const text = withoutSecrets(yaml.lineOf(item));
    return {
      severity: 'error',
      code: 'reference-invalid',
      ...place,
      text,
      message: `${quoted(text)} is no image reference: it is ${kindOf(content)}`,
      hint: node === item ? hintFor(content) : 'write image: REGISTRY/REPOSITORY[:TAG], in quotes',
    };
  }
  const text = content.value.trim();
  try {
    return { text, reference: parseReference(text) };
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
    return 'put the line in quotes: a colon before a space or at the end makes it a mapping; or name the image with the key image';
  if (content.kind === 'sequence') return 'list the images one by one, not in a list within the list';
  if (kindOf(content) === 'empty') return 'remove the dash, or write an image after it';
  return 'write REGISTRY/REPOSITORY[:TAG], in quotes where YAML would read something else';
}

function repeatedKey(yaml: YamlText, { key, node }: { key: Key; node: Node }, text: string): Problem {
  return {
    severity: 'error',
    code: REPEATED[key],
    ...yaml.positionOf(node),
    text,
    message: `the key ${key} stands here a second time`,
    hint: 'make the two one, or begin a further item with a dash',
  };
}
