import type { Node } from 'js-yaml';
import { Failure, isFailure } from '../../core/failure.ts';
import { alternativesAtMost } from '../../core/oci/pattern.ts';
import { type ImageReference, parseReference } from '../../core/oci/reference.ts';
import { withoutSecrets } from '../../core/secrets.ts';
import { quoted } from '../../core/text.ts';
import { type Content, isText, kindOf } from '../../core/yaml/text.ts';
import type { Problem, ProblemCode } from './problem.ts';
import { readSelection, type Image } from './read-selection.ts';
import { readSettings } from './read-settings.ts';
import { type MappingValues, type RecipeText, readMapping, type RecipeVersion } from './recipe-text.ts';
import { NO_SETTINGS, SETTING_KEYS, type SettingKey, type WishSettings } from './settings.ts';
import { type SettingValue, readTexts } from './values.ts';
import { type TagSelection, selectionOf } from '../tags/tag-selection.ts';

/** The commit that a wishlist was read from. */
export interface Commit {
  /** The whole hash in hexadecimal digits. */
  readonly hash: string;
  /** The author's name, as written there: any text. */
  readonly author: string;
  /** When it was committed: ISO 8601, with the committer's offset from UTC. */
  readonly date: string;
}

/** The origin of a wish. */
export interface WishOrigin {
  /** The name of its source. */
  readonly source: string;
  /** The recipe, as messages name it. */
  readonly file: string;
  /** `undefined` where the source has no commits. */
  readonly commit: Commit | undefined;
}

/** A line of a wishlist: an image, or all images that a tag pattern matches. */
export interface Wish {
  /** The image as written, without the white space around it. */
  readonly text: string;
  /** From 1. */
  readonly line: number;
  readonly reference: ImageReference;
  /** The wished tags; `undefined` for the single image that `reference` names. */
  readonly selection: TagSelection | undefined;
  /** Its own, without defaults. */
  readonly settings: WishSettings;
  /** Some of the recipe's; `undefined` for all of them. */
  readonly repositories: readonly string[] | undefined;
  /** `undefined` for a recipe without a source. */
  readonly origin: WishOrigin | undefined;
}

type Key = 'image' | 'tags' | 'newest' | 'repositories' | SettingKey;

/** The keys of an item of `input` that is a mapping, by the version of the recipe. @internal */
export const WISH_KEYS = {
  1: ['image', 'platforms'],
  2: ['image', 'tags', 'newest', ...SETTING_KEYS, 'repositories'],
} as const satisfies Record<RecipeVersion, readonly Key[]>;

/** The context of items of `input`. */
export interface InputContext {
  readonly version: RecipeVersion;
  /** The recipe's. */
  readonly repositories: readonly string[];
}

/** A wish; or none, and then at least one of the problems is an error. */
export interface WishReading {
  readonly wish: Wish | undefined;
  readonly problems: readonly Problem[];
}

/** Reads an item of `input`: an image, or a mapping with `image` and settings. */
export function readWish(yaml: RecipeText, item: Node, context: InputContext): WishReading {
  const content = yaml.content(item);
  if (content.kind === 'mapping') {
    const known: readonly Key[] = WISH_KEYS[context.version];
    const refused = context.version === 1 ? 'none' : 'all';
    const entries = readMapping<Key>(yaml, content, { known, ofVersion2: WISH_KEYS[2], refused });
    const image = entries.values.get('image');
    if (image !== undefined) return readDetailed(yaml, item, { image, entries }, context);
  }
  const image = readImage(yaml, { node: item, item }, context);
  if ('severity' in image) return { wish: undefined, problems: [image] };
  return { wish: wishOf(image, yaml.positionOf(item).line, NO_SETTINGS), problems: [] };
}

/** Makes a wish of an image and `settings`. */
export function wishOf(image: Image, line: number, settings: WishSettings): Wish {
  const selection = selectionOf(image.reference);
  return { ...image, line, selection, settings, repositories: undefined, origin: undefined };
}

interface DetailedItem {
  readonly image: Node;
  readonly entries: MappingValues<Key>;
}

/** Fails as a whole for a wrong setting, as for a wrong image: the author has to look at it anyway. */
function readDetailed(
  yaml: RecipeText,
  item: Node,
  { image: node, entries }: DetailedItem,
  context: InputContext,
): WishReading {
  const image = readImage(yaml, { node, item }, context);
  const found = 'severity' in image ? undefined : image;
  const { settings, problems: wrong } = readSettings(yaml, entries.values);
  const { value: selection, problems: tags } = readSelection(yaml, entries.values, found);
  const { value: repositories, problems: elsewhere } = readTargets(yaml, entries.values, context);
  const repeated = entries.repeated.map((entry) => repeatedKey(yaml, entry, image.text));
  const problems = [
    ...entries.problems.map((problem) => (problem.severity === 'error' ? ofImage(problem) : problem)),
    ...repeated,
    ...[...wrong, ...tags, ...elsewhere].map(ofImage),
  ];
  if ('severity' in image) return { wish: undefined, problems: [image, ...problems] };
  if (problems.some(({ severity }) => severity === 'error')) return { wish: undefined, problems };
  const { line } = yaml.positionOf(item);
  return {
    wish: { ...wishWith(image, selection), line, settings, repositories, origin: undefined },
    problems,
  };

  function ofImage(problem: Problem): Problem {
    return { ...problem, text: image.text };
  }
}

/** The tag of an image with a list of tags does not matter; as a pattern it cannot be mistaken for one image's. */
function wishWith(
  { text, reference }: Image,
  selection: TagSelection | undefined,
): Pick<Wish, 'text' | 'reference' | 'selection'> {
  const isOfTags = selection !== undefined && selectionOf(reference) === undefined;
  return { text, reference: isOfTags ? { ...reference, tag: '*' } : reference, selection };
}

const SHOWN_REPOSITORIES = 10;

/** The repositories that a wish names, among the recipe's. */
function readTargets(
  yaml: RecipeText,
  values: MappingValues<Key>['values'],
  { repositories }: InputContext,
): SettingValue<readonly string[]> {
  const node = values.get('repositories');
  if (node === undefined) return { value: undefined, problems: [] };
  const some = repositories.slice(0, SHOWN_REPOSITORIES).join(', ');
  const hint = `write a list of some of the recipe's: ${some}${repositories.length > SHOWN_REPOSITORIES ? ', …' : ''}`;
  const parse = (text: string): string => {
    if (repositories.includes(text)) return text;
    const message = `${quoted(withoutSecrets(text))} is not a repository of this recipe`;
    const meant = yaml.nearest(text, repositories);
    throw new Failure('setting-invalid', message, {
      hint: meant === undefined ? hint : `did you mean ${meant}? ${hint}`,
    });
  };
  return readTexts(yaml, node, { name: 'a repository', hint, parse });
}

/** The image in `node`, which is `item` or its `image`. */
function readImage(
  yaml: RecipeText,
  { node, item }: { readonly node: Node; readonly item: Node },
  { version }: InputContext,
): Image | Problem {
  const patterns = version === 1 ? 'stars' : 'full';
  const content = yaml.content(node);
  const place = yaml.positionOf(node);
  if (content.kind !== 'scalar' || !isText(content)) {
    const text = withoutSecrets(yaml.lineOf(item), patterns);
    return {
      severity: 'error',
      code: 'reference-invalid',
      ...place,
      text,
      message: `${quoted(text)} is not a valid image reference: it is ${kindOf(content)}`,
      hint: node === item ? hintFor(content) : 'write image: REGISTRY/REPOSITORY[:TAG], in quotes',
    };
  }
  yaml.spend(alternativesAtMost(content.value), node);
  const text = content.value.trim();
  try {
    return { text, reference: parseReference(text, { patterns }) };
  } catch (error) {
    if (!isFailure(error, 'reference-invalid')) throw error;
    const { message, hint } = error;
    return {
      severity: 'error',
      code: 'reference-invalid',
      ...place,
      text: withoutSecrets(text, patterns),
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

function repeatedKey(yaml: RecipeText, { key, node }: { key: Key; node: Node }, text: string): Problem {
  return {
    severity: 'error',
    code: codeFor(key),
    ...yaml.positionOf(node),
    text,
    message: `the key ${key} is repeated here`,
    hint: 'merge the two, or begin a further item with a dash',
  };
}

function codeFor(key: Key): ProblemCode {
  if (key === 'image') return 'reference-invalid';
  return key === 'platforms' ? 'platform-invalid' : 'setting-invalid';
}
