import type { MappingNode, Node } from 'js-yaml';
import type { Problem } from './problem.ts';
import { quoted } from './quote.ts';
import { withoutSecrets } from './secrets.ts';
import { kindOf, type YamlText } from './yaml.ts';

/** What a mapping holds. */
export interface Entries<Key extends string> {
  /** The first value of each known key. */
  readonly values: ReadonlyMap<Key, Node>;
  /** Known keys that stand a second time, in the order of the text. */
  readonly repeated: readonly { readonly key: Key; readonly node: Node }[];
  /** Warnings: `key-unknown`. */
  readonly problems: readonly Problem[];
}

/** Sorts the entries of `mapping` by `keys`, those that are known. */
export function readEntries<Key extends string>(
  yaml: YamlText,
  mapping: MappingNode,
  keys: readonly Key[],
): Entries<Key> {
  const values = new Map<Key, Node>();
  const repeated: { key: Key; node: Node }[] = [];
  const problems: Problem[] = [];
  for (const { key: node, value } of mapping.items) {
    const content = yaml.content(node);
    const key = keys.find((name) => content.kind === 'scalar' && content.value === name);
    if (key === undefined) problems.push(unknownKey(yaml, node, keys));
    else if (values.has(key)) repeated.push({ key, node });
    else values.set(key, value);
  }
  return { values, repeated, problems };
}

function unknownKey(yaml: YamlText, node: Node, keys: readonly string[]): Problem {
  const content = yaml.content(node);
  const text = content.kind === 'scalar' ? withoutSecrets(content.value) : kindOf(content);
  return {
    severity: 'warning',
    code: 'key-unknown',
    ...yaml.positionOf(node),
    text,
    message: `the key ${quoted(text)} is unknown and ignored`,
    hint: `the keys are ${keys.join(', ')}`,
  };
}
