import type { Node } from 'js-yaml';
import type { Problem } from './problem.ts';
import { quoted } from '../../core/text.ts';
import type { ImageReference } from '../../core/oci/reference.ts';
import { parseTagEntry, patternCost, type TagEntry } from '../tags/tag-entry.ts';
import { selectionOf, type TagSelection } from '../tags/tag-selection.ts';
import { invalidSetting, readCount, readTexts, type TextKind, type SettingValue } from './values.ts';
import type { RecipeText } from './recipe-text.ts';

type Values = ReadonlyMap<string, Node>;

/** An image as written, and parsed. */
export interface Image {
  readonly text: string;
  readonly reference: ImageReference;
}

const ENTRY: TextKind<TagEntry> = {
  name: 'a tag or a pattern of tags',
  hint: "write a list such as ['1.*', '!*-rc*']",
  parse: parseTagEntry,
  cost: patternCost,
  keyOf: ({ kind, pattern }) => `${kind} ${pattern}`,
};

/**
 * Reads the tags of a wish from its image and the keys `tags` and `newest`. Without `image`, which could not be read, only
 * the two keys are checked.
 *
 * @returns no value also for a single image, and then without an error
 */
export function readSelection(
  yaml: RecipeText,
  values: Values,
  image: Image | undefined,
): SettingValue<TagSelection> {
  const tags = readTags(yaml, values.get('tags'), image);
  const newestAt = values.get('newest');
  const newest = newestAt === undefined ? undefined : readCount(yaml, newestAt, { key: 'newest' });
  const problems = [...tags.problems, ...(newest?.problems ?? [])];
  if (image === undefined || values.has('tags')) {
    const { value } = tags;
    return { value: value && { ...value, newest: newest?.value }, problems };
  }
  const selection = selectionOf(image.reference);
  if (selection !== undefined) return { value: { ...selection, newest: newest?.value }, problems };
  if (newestAt !== undefined) problems.push(newestOfOne(yaml, newestAt, image));
  return { value: undefined, problems: [...problems, ...unused(yaml, values, image)] };
}

function readTags(
  yaml: RecipeText,
  node: Node | undefined,
  image: Image | undefined,
): SettingValue<Omit<TagSelection, 'newest'>> {
  if (node === undefined) return { value: undefined, problems: [] };
  const { value: entries, problems } = readTexts(yaml, node, ENTRY);
  if (image !== undefined && namesVersion(image.text)) {
    const message = `${quoted(image.text)} has tags beside the tag or digest in its image`;
    const said = { message, hint: 'leave the tag or digest out of the image, or remove tags' };
    return { value: undefined, problems: [...problems, invalidSetting(yaml, node, said)] };
  }
  // a wrong entry may have been meant to be what the others are taken from
  if (entries === undefined || problems.some(({ severity }) => severity === 'error'))
    return { value: undefined, problems };
  const patterns = (wanted: TagEntry['kind']): string[] =>
    entries.flatMap(({ kind, pattern }) => (kind === wanted ? [pattern] : []));
  const include = patterns('include');
  if (include.length > 0) return { value: { include, exclude: patterns('exclude') }, problems };
  const said = {
    message: 'the tags are exclusions alone',
    hint: "add what they are taken from, such as '*'",
  };
  return { value: undefined, problems: [...problems, invalidSetting(yaml, node, said)] };
}

/** Returns whether a valid reference has a tag or a digest; both follow the last slash. */
function namesVersion(text: string): boolean {
  return /[:@][^/:@]*$/.test(text);
}

function newestOfOne(yaml: RecipeText, node: Node, { text }: Image): Problem {
  const message = `${quoted(text)} is a single image: there is no newest among several`;
  return invalidSetting(yaml, node, {
    message,
    hint: "add tags: '*' for the newest of all tags, or remove newest",
  });
}

/** Warns about settings for patterns alone. */
function unused(yaml: RecipeText, values: Values, { text }: Image): Problem[] {
  return ['exclude', 'limit'].flatMap((key): Problem[] => {
    const node = values.get(key);
    if (node === undefined) return [];
    const message = `${quoted(text)} is a single image, for which ${key} means nothing`;
    const hint = `remove ${key}, or ask for several tags`;
    return [{ severity: 'warning', code: 'setting-unused', ...yaml.positionOf(node), text, message, hint }];
  });
}
