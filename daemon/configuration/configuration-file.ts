import { readFileSync } from 'node:fs';
import type { MappingNode, Node } from 'js-yaml';
import { isSystemError } from '../../core/system-error.ts';
import { kindOf, YamlError, YamlText } from '../../core/yaml/text.ts';

/** A value of the configuration file as written: text has no type yet. Lines count from 1. */
export type ConfigurationValue =
  | { readonly kind: 'text'; readonly line: number; readonly text: string }
  | { readonly kind: 'list'; readonly line: number; readonly items: readonly ConfigurationValue[] }
  | { readonly kind: 'mapping'; readonly line: number; readonly entries: readonly ConfigurationEntry[] }
  | { readonly kind: 'nothing' | 'alias'; readonly line: number };

/** A `key: value`, not yet checked. */
export interface ConfigurationEntry {
  readonly key: string;
  /** The key's, from 1. */
  readonly line: number;
  readonly value: ConfigurationValue;
}

export interface FileContent {
  readonly entries: readonly ConfigurationEntry[];
  /** Errors in the form of the file, each with its position. */
  readonly problems: readonly string[];
}

/** Reads the file; `undefined` if it does not exist. */
export function readConfigurationFile(file: string): FileContent | undefined {
  try {
    return parseConfiguration(readFileSync(file, 'utf8'), file);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    return { entries: [], problems: [`${file} cannot be read (${error.code}); let unpackd read it`] };
  }
}

/** Parses YAML without typing its values: the option table does that for all inputs alike. @internal */
export function parseConfiguration(source: string, file: string): FileContent {
  try {
    return contentOf(new YamlText(source), file);
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    const place = error.position === undefined ? file : `${file}:${error.position.line}`;
    // The parser may quote part of a password.
    const reason = error.reason.replace(/(?:: | ").*$/s, '');
    const message = `${place}: not valid YAML: ${reason}; check indentation, brackets and quotes`;
    return { entries: [], problems: [message] };
  }
}

function contentOf(yaml: YamlText, file: string): FileContent {
  const [root, further] = yaml.documents;
  if (root === undefined || (root.kind === 'scalar' && kindOf(root) === 'empty'))
    return { entries: [], problems: [] };
  if (root.kind !== 'mapping')
    return { entries: [], problems: [`${file}: expected lines of the form "key: value"`] };
  const problems: string[] = [];
  const entries = entriesOf(root, '', { yaml, file, problems });
  if (further !== undefined)
    problems.push(`${file}: holds more than one YAML document; remove the line "---" and what follows`);
  return { entries, problems };
}

interface ReadingContext {
  readonly yaml: YamlText;
  readonly file: string;
  /** Of repeated keys, and keys that are not words. */
  readonly problems: string[];
}

/** @param path the keys that lead to `mapping`, each followed by `: `, for problems */
function entriesOf(mapping: MappingNode, path: string, context: ReadingContext): ConfigurationEntry[] {
  const { yaml, file, problems } = context;
  const entries = new Map<string, ConfigurationEntry>();
  for (const item of mapping.items) {
    const { line } = yaml.positionOf(item.key);
    const key = wordOf(item.key);
    if (key === undefined) {
      problems.push(`${file}:${line}: ${path}expected a plain word as the key`);
      continue;
    }
    const value = valueOf(item.value, `${path}${key}: `, context);
    const earlier = entries.get(key);
    if (earlier === undefined) entries.set(key, { key, line, value });
    else
      problems.push(
        `${file}:${line}: ${path}${key} is already set on line ${earlier.line}; keep one of them`,
      );
  }
  return [...entries.values()];
}

/** Bounded: js-yaml refuses deep nesting. */
function valueOf(node: Node, path: string, context: ReadingContext): ConfigurationValue {
  const { line } = context.yaml.positionOf(node);
  switch (node.kind) {
    case 'alias':
      return { kind: 'alias', line };
    case 'sequence':
      return { kind: 'list', line, items: node.items.map((item) => valueOf(item, path, context)) };
    case 'mapping':
      return { kind: 'mapping', line, entries: entriesOf(node, path, context) };
    case 'scalar':
      return kindOf(node) === 'empty' ? { kind: 'nothing', line } : { kind: 'text', line, text: node.value };
  }
}

function wordOf(key: Node): string | undefined {
  return key.kind === 'scalar' && kindOf(key) !== 'empty' ? key.value : undefined;
}
