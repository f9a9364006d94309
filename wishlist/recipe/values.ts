import type { Node } from 'js-yaml';
import { isFailure, type Failure } from '../../core/failure.ts';
import { RECIPE_LIMITS } from './limits.ts';
import type { Problem, ProblemCode } from './problem.ts';
import { quoted } from '../../core/text.ts';
import { withoutSecrets } from '../../core/secrets.ts';
import { isText, kindOf } from '../../core/yaml/text.ts';
import type { RecipeText } from './recipe-text.ts';

/** A value that was read; `undefined` where nothing of it is valid, and then at least one problem is an error. */
export interface SettingValue<T> {
  readonly value: T | undefined;
  readonly problems: readonly Problem[];
}

/** A kind of value that is written as text. */
export interface TextKind<T> {
  /** With its article: `an output`. */
  readonly name: string;
  /** An example for messages. */
  readonly hint: string;
  /** @throws Failure with one of {@link INVALID}, whose message needs no place */
  readonly parse: (text: string) => T;
  /** The cost of parsing, where it depends on the text. */
  readonly cost?: (text: string) => number;
  /** The most entries of a list; by default 1,000. */
  readonly entries?: number;
  /** Equal for values that mean the same; by default the value as text. */
  readonly keyOf?: (value: T) => string;
  /** By default `setting-invalid` and `entry-repeated`. */
  readonly codes?: { readonly invalid: ProblemCode; readonly repeated: ProblemCode };
}

const INVALID = ['setting-invalid', 'pattern-invalid', 'platform-invalid'] as const;

const MAXIMUM_COUNT = 1_000_000;

/** Reads a single text. */
export function readText<T>(yaml: RecipeText, node: Node, kind: TextKind<T>): SettingValue<T> {
  const content = yaml.content(node);
  if (content.kind !== 'scalar' || !isText(content)) {
    const message = `${quoted(writtenAt(yaml, node))} is not ${kind.name}: it is ${kindOf(content)}`;
    const isMeant = content.kind === 'scalar' && !isFailure(parsed(kind, content.value));
    const hint = isMeant ? 'put it in quotes' : kind.hint;
    return { value: undefined, problems: [invalidSetting(yaml, node, { message, hint }, kind)] };
  }
  if (kind.cost !== undefined) yaml.spend(kind.cost(content.value), node);
  const value = parsed(kind, content.value);
  if (!isFailure(value)) return { value, problems: [] };
  return { value: undefined, problems: [invalidSetting(yaml, node, value, kind)] };
}

/** Reads a list of texts, or a single one. The value has the valid ones in their order, each once. */
export function readTexts<T>(yaml: RecipeText, node: Node, kind: TextKind<T>): SettingValue<readonly T[]> {
  const { keyOf = String, codes = USUAL_CODES } = kind;
  const content = yaml.content(node);
  const items = content.kind === 'sequence' ? content.items : [node];
  const wrong = wrongLength(items.length, kind);
  if (wrong !== undefined) return { value: undefined, problems: [invalidSetting(yaml, node, wrong, kind)] };
  const values = new Map<string, T>();
  const problems: Problem[] = [];
  for (const item of items) {
    const { value, problems: own } = readText(yaml, item, kind);
    for (const problem of own) problems.push(problem);
    if (value === undefined) continue;
    const key = keyOf(value);
    if (values.has(key)) problems.push(repeatedEntry(yaml, item, { code: codes.repeated, key }));
    else values.set(key, value);
  }
  return { value: values.size === 0 ? undefined : [...values.values()], problems };
}

/** Reads a whole number from 1 on. */
export function readCount(
  yaml: RecipeText,
  node: Node,
  { key, most = MAXIMUM_COUNT }: { readonly key: string; readonly most?: number },
): SettingValue<number> {
  const content = yaml.content(node);
  const isNumber = content.kind === 'scalar' && kindOf(content) === 'a number';
  const count = isNumber ? Number(content.value) : Number.NaN;
  if (Number.isInteger(count) && count >= 1 && count <= most) return { value: count, problems: [] };
  const found = isNumber ? '' : `: it is ${kindOf(content)}`;
  const said = {
    message: `${quoted(writtenAt(yaml, node))} is not a whole number from 1 to ${most}${found}`,
    hint: `write a number without quotes, such as ${key}: 10`,
  };
  return { value: undefined, problems: [invalidSetting(yaml, node, said)] };
}

function wrongLength(
  length: number,
  { hint, entries = RECIPE_LIMITS.entries }: Pick<TextKind<never>, 'hint' | 'entries'>,
): { message: string; hint: string } | undefined {
  if (length === 0) return { message: 'the list is empty', hint: `${hint}, or remove the key` };
  if (length <= entries) return undefined;
  const message = `the list has ${length} entries, and ${entries} are allowed`;
  return { message, hint: 'divide it, or write patterns in place of single entries' };
}

function parsed<T>({ parse }: TextKind<T>, text: string): T | Failure {
  try {
    return parse(text);
  } catch (error) {
    if (isFailure(error, ...INVALID)) return error;
    throw error;
  }
}

const USUAL_CODES = { invalid: 'setting-invalid', repeated: 'entry-repeated' } as const;

/** An error at `node`, by default `setting-invalid`. */
export function invalidSetting(
  yaml: RecipeText,
  node: Node,
  { message, hint }: { readonly message: string; readonly hint: string | undefined },
  { codes = USUAL_CODES }: Pick<TextKind<never>, 'codes'> = {},
): Problem {
  const place = yaml.positionOf(node);
  const text = writtenAt(yaml, node);
  return { severity: 'error', code: codes.invalid, ...place, text, message, hint };
}

function repeatedEntry(
  yaml: RecipeText,
  item: Node,
  { code, key }: { readonly code: ProblemCode; readonly key: string },
): Problem {
  const text = writtenAt(yaml, item);
  const message = `${quoted(text)} is already in the list${code === 'platform-repeated' ? `, as ${key}` : ''}`;
  return { severity: 'warning', code, ...yaml.positionOf(item), text, message, hint: 'remove it' };
}

/** The text at `node`, with secrets masked. */
function writtenAt(yaml: RecipeText, node: Node): string {
  const content = yaml.content(node);
  return withoutSecrets(content.kind === 'scalar' ? content.value : yaml.lineOf(node));
}
