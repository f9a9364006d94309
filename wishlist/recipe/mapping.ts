import type { MappingNode, Node } from 'js-yaml';
import { nearest } from '../../core/nearest.ts';
import type { Problem } from './problem.ts';
import { quoted } from '../../core/quote.ts';
import { withoutSecrets } from '../../core/secrets.ts';
import { kindOf, type YamlText } from './yaml.ts';

/** The keys that a mapping may have. */
export interface Keys<Key extends string> {
  readonly known: readonly Key[];
  /** Those that it may have in version 2 alone: where they are not known, the hint says so. */
  readonly ofVersion2?: readonly string[];
  /** Which others are errors; the rest are warnings, and ignored. */
  readonly refused: Refused;
}

/**
 * Unknown keys that are errors. In a recipe of version 1 none are: DUCC ignored them. In a mapping that people fill with keys
 * of their own (to keep what anchors repeat), those that are likely to be slips: near a known one, or out of place.
 */
export type Refused = 'none' | 'all' | { readonly slipsAnd: readonly string[] };

/** What a mapping holds. */
export interface Entries<Key extends string> {
  /** The first value of each known key. */
  readonly values: ReadonlyMap<Key, Node>;
  /** Known keys that stand a second time, in the order of the text. */
  readonly repeated: readonly { readonly key: Key; readonly node: Node }[];
  /** `key-unknown`. */
  readonly problems: readonly Problem[];
}

/** Sorts the entries of `mapping` by their keys, those that are known. */
export function readEntries<Key extends string>(
  yaml: YamlText,
  mapping: MappingNode,
  keys: Keys<Key>,
): Entries<Key> {
  const values = new Map<Key, Node>();
  const repeated: { key: Key; node: Node }[] = [];
  const problems: Problem[] = [];
  for (const { key: node, value } of mapping.items) {
    const content = yaml.content(node);
    const key = keys.known.find((name) => content.kind === 'scalar' && content.value === name);
    if (key === undefined) problems.push(unknownKey(yaml, node, keys));
    else if (values.has(key)) repeated.push({ key, node });
    else values.set(key, value);
  }
  return { values, repeated, problems };
}

function unknownKey(yaml: YamlText, node: Node, keys: Keys<string>): Problem {
  const content = yaml.content(node);
  const text = content.kind === 'scalar' ? withoutSecrets(content.value) : kindOf(content);
  const isError = isRefused(text, keys);
  return {
    severity: isError ? 'error' : 'warning',
    code: 'key-unknown',
    ...yaml.positionOf(node),
    text,
    message: `the key ${quoted(text)} is unknown${isError ? '' : ' and ignored'}`,
    hint: hintFor(yaml, text, keys),
  };
}

function isRefused(text: string, { known, refused }: Keys<string>): boolean {
  if (typeof refused === 'string') return refused === 'all';
  return refused.slipsAnd.includes(text) || nearest(text, known) !== undefined;
}

function hintFor(yaml: YamlText, text: string, { known, ofVersion2 = [], refused }: Keys<string>): string {
  if (ofVersion2.includes(text)) return 'recipes have it from version 2 on: write version: 2';
  if (typeof refused === 'object' && refused.slipsAnd.includes(text)) return `write ${text} below defaults`;
  const meant = yaml.nearest(text, known);
  const list = `the keys are ${known.join(', ')}`;
  return meant === undefined ? list : `did you mean ${meant}? ${list}`;
}
