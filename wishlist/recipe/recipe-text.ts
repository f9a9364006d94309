import type { MappingNode, Node } from 'js-yaml';
import { Failure } from '../../core/failure.ts';
import { withoutSecrets } from '../../core/secrets.ts';
import { nearest, quoted } from '../../core/text.ts';
import { YamlError, YamlText, kindOf } from '../../core/yaml/text.ts';
import { RECIPE_LIMITS } from './limits.ts';
import { type Problem, position } from './problem.ts';

/** The versions of recipes. */
export type RecipeVersion = 1 | 2;

export const RECIPE_VERSIONS: readonly RecipeVersion[] = [1, 2];

/** The YAML of one recipe, with a budget for what reading it may cost. */
export class RecipeText extends YamlText {
  readonly #file: string;
  #cost = 0;
  #slips = 0;

  private constructor(text: string, file: string) {
    super(text, RECIPE_LIMITS);
    this.#file = file;
  }

  /** @throws Failure `recipe-unreadable` where `text` is not valid YAML, or too large; `file` names it in the message */
  static parse(text: string, file: string): RecipeText {
    try {
      const yaml = new RecipeText(text, file);
      if (yaml.undefinedAlias === undefined) return yaml;
      const reason = `the anchor ${quoted(yaml.undefinedAlias.anchor)} is not defined before`;
      throw unreadable(`${position(file, yaml.positionOf(yaml.undefinedAlias))} ${reason}`, {
        hint: 'a value that begins with * is a YAML alias: put it in quotes if it is text',
      });
    } catch (error) {
      if (!(error instanceof YamlError)) throw error;
      const place = position(file, error.position ?? { line: 1, column: 1 });
      if (error.kind === 'too-large') throw tooLarge(`${place} ${error.reason}`);
      throw unreadable(`${place} the YAML cannot be read: ${error.reason}`, {
        hint: 'correct the YAML: check indentation, quotes and the dash before each item of a list',
        cause: error,
      });
    }
  }

  /** The candidate that `word` is most likely a slip for; nothing after 1,000 slips, since looking takes time. */
  nearest(word: string, candidates: readonly string[]): string | undefined {
    this.#slips += 1;
    return this.#slips > RECIPE_LIMITS.problems ? undefined : nearest(word, candidates);
  }

  /**
   * Counts the cost of reading the value of `node`.
   *
   * @throws Failure `recipe-unreadable` once all of them together cost more than a recipe may
   */
  spend(cost: number, node: Node): void {
    this.#cost += cost;
    if (this.#cost <= RECIPE_LIMITS.patternCost) return;
    const place = position(this.#file, this.positionOf(node));
    throw tooLarge(`${place} the patterns of tags up to here stand for too many tags and versions together`);
  }
}

function tooLarge(message: string): Failure {
  return unreadable(message, { hint: 'divide what is there, or make it several recipes' });
}

function unreadable(message: string, options: { readonly hint: string; readonly cause?: unknown }): Failure {
  return new Failure('recipe-unreadable', message, options);
}

/** The keys of a mapping. */
export interface KeyRules<Key extends string> {
  readonly known: readonly Key[];
  /** Keys of version 2 alone: where they are not known, the hint says so. */
  readonly ofVersion2?: readonly string[];
  /** Unknown keys that are errors; others are warnings, and ignored. */
  readonly refused: RefusedKeys;
}

/**
 * Unknown keys that are errors. In a recipe of version 1 none are: DUCC ignored them. In a mapping that people fill with keys
 * of their own (to keep what anchors repeat), those that are likely to be slips: near a known one, or out of place.
 */
export type RefusedKeys = 'none' | 'all' | { readonly slipsAnd: readonly string[] };

/** The values of a mapping by their keys. */
export interface MappingValues<Key extends string> {
  /** The first value of each known key. */
  readonly values: ReadonlyMap<Key, Node>;
  /** Known keys that stand a second time, in the order of the text. */
  readonly repeated: readonly { readonly key: Key; readonly node: Node }[];
  /** `key-unknown`. */
  readonly problems: readonly Problem[];
}

/** Reads the known keys of `mapping`. */
export function readMapping<Key extends string>(
  yaml: RecipeText,
  mapping: MappingNode,
  keys: KeyRules<Key>,
): MappingValues<Key> {
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

function unknownKey(yaml: RecipeText, node: Node, keys: KeyRules<string>): Problem {
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

function isRefused(text: string, { known, refused }: KeyRules<string>): boolean {
  if (typeof refused === 'string') return refused === 'all';
  return refused.slipsAnd.includes(text) || nearest(text, known) !== undefined;
}

function hintFor(
  yaml: RecipeText,
  text: string,
  { known, ofVersion2 = [], refused }: KeyRules<string>,
): string {
  if (ofVersion2.includes(text)) return 'recipes have it from version 2 on: write version: 2';
  if (typeof refused === 'object' && refused.slipsAnd.includes(text)) return `write ${text} below defaults`;
  const meant = yaml.nearest(text, known);
  const list = `the keys are ${known.join(', ')}`;
  return meant === undefined ? list : `did you mean ${meant}? ${list}`;
}
