import { quoted, suggestion } from '../../core/text.ts';
import { withoutSecrets } from '../../core/secrets.ts';
import type { ConfigurationEntry, ConfigurationValue } from './configuration-file.ts';
import {
  passwordReference,
  userReference,
  type LoginReference,
  type SecretReference,
} from './secret-reference.ts';
import type { Located, PathBase, ValueType } from './value-types.ts';

/** The configuration file, and where paths in it start. */
export interface EntryContext {
  readonly file: string;
  readonly base: PathBase;
  /** For `file:PATH`. */
  readonly secretsBase: PathBase;
  /** Problems go here. */
  readonly problems: string[];
}

/** Reads the values of one mapping in the configuration file. */
export class MappingReader<Key extends string> {
  readonly #path: string;
  readonly #context: EntryContext;
  readonly #problems: string[];
  readonly #values = new Map<string, ConfigurationEntry>();

  /** @param path the keys that lead to the mapping, such as `registries: quay.io` */
  constructor(
    { path, keys }: { readonly path: string; readonly keys: readonly Key[] },
    entries: readonly ConfigurationEntry[],
    context: EntryContext,
  ) {
    this.#path = path;
    this.#context = context;
    this.#problems = context.problems;
    for (const entry of entries) this.#collect(entry, keys);
  }

  has(key: Key): boolean {
    return this.#values.has(key);
  }

  scalar<Value>(key: Key, type: ValueType<Value>, from = this.#context.base): Located<Value> | undefined {
    const entry = this.#values.get(key);
    if (entry === undefined) return undefined;
    const origin = this.origin(entry.line, key);
    const value = this.#parse(entry.value, { origin, type, from });
    return value === undefined ? undefined : { origin, value };
  }

  /** Reads the reference to a user name or to a password, which no problem quotes. */
  secret(key: Key, type: ValueType<SecretReference>): Located<SecretReference> | undefined {
    return this.scalar(key, type, this.#context.secretsBase);
  }

  /** Reads a list; `undefined` if there is none. */
  list<Value>(key: Key, type: ValueType<Value>): Value[] | undefined {
    const entry = this.#values.get(key);
    if (entry === undefined || entry.value.kind === 'nothing') return undefined;
    if (entry.value.kind !== 'list') {
      this.#problems.push(`${this.origin(entry.line, key)}: expected a list, each ${type.expected}`);
      return undefined;
    }
    const from = this.#context.base;
    const values = entry.value.items.map((item) =>
      this.#parse(item, { origin: this.origin(item.line, key), type, from }),
    );
    return values.filter((value) => value !== undefined);
  }

  /** Reads a list, or a single value as a list of one. */
  listOrScalar<Value>(key: Key, type: ValueType<Value>): Value[] | undefined {
    if (this.#values.get(key)?.value.kind !== 'text') return this.list(key, type);
    const located = this.scalar(key, type);
    return located === undefined ? [] : [located.value];
  }

  /** Combines two keys that need each other. Invalid values have been reported. */
  both<First, Second, Pair>(
    [firstKey, first]: readonly [Key, First | undefined],
    [secondKey, second]: readonly [Key, Second | undefined],
    pair: (first: First, second: Second) => Pair,
  ): Pair | undefined {
    if (first !== undefined && second !== undefined) return pair(first, second);
    if (!this.has(secondKey)) this.report(firstKey, `${secondKey} is missing; give both or none`);
    if (!this.has(firstKey)) this.report(secondKey, `${firstKey} is missing; give both or none`);
    return undefined;
  }

  /** Reports a problem of `key`, if it is present. */
  report(key: Key, problem: string): void {
    const entry = this.#values.get(key);
    if (entry !== undefined) this.#problems.push(`${this.origin(entry.line, key)}: ${problem}`);
  }

  /** Formats a position in this mapping. */
  origin(line: number, key?: Key): string {
    const tail = key === undefined ? '' : `: ${key}`;
    return `${this.#context.file}:${line}: ${this.#path}${tail}`;
  }

  #collect(entry: ConfigurationEntry, keys: readonly Key[]): void {
    if (keys.some((key) => key === entry.key)) {
      this.#values.set(entry.key, entry);
      return;
    }
    this.#problems.push(
      `${this.origin(entry.line)}: unknown key ${quoted(entry.key)}${suggestion(entry.key, keys) || `; there is ${keys.join(', ')}`}`,
    );
  }

  #parse<Value>(
    value: ConfigurationValue,
    { origin, type, from }: { origin: string; type: ValueType<Value>; from: PathBase },
  ): Value | undefined {
    const parsed = value.kind === 'text' ? type.parse(value.text, from) : undefined;
    if (parsed === undefined)
      this.#problems.push(`${origin}: ${this.#whatOf(value, type)}, expected ${type.expected}`);
    return parsed;
  }

  #whatOf(value: ConfigurationValue, type: ValueType<unknown>): string {
    if (value.kind !== 'text') return 'the value is not a single one';
    if (type === passwordReference) return 'the value cannot be used';
    return `${quoted(withoutSecrets(value.text))} cannot be used`;
  }
}

/** Reads a user name and a password, which need each other. */
export function readLogin(reader: MappingReader<'username' | 'password'>): LoginReference | undefined {
  return reader.both(
    ['username', reader.secret('username', userReference)],
    ['password', reader.secret('password', passwordReference)],
    (user, password) => ({ user, password }),
  );
}
