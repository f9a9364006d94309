import { suggestion } from '../../wishlist/nearest.ts';
import { quoted } from '../../wishlist/quote.ts';
import { withoutSecrets } from '../../wishlist/secrets.ts';
import type { FileEntry, FileValue } from '../configuration-value.ts';
import { integer, path } from '../value-types.ts';
import type { Place, ValueType } from '../value-types.ts';
import type { Located, RegistryEntry } from './entry.ts';
import { place, registryHost } from './place.ts';
import { passwordSource, userSource } from './source.ts';

const KEYS = [
  'username',
  'password',
  'proxy',
  'mirrors',
  'concurrency',
  'ca-certificates',
  'client-certificate',
  'client-key',
] as const;
type Key = (typeof KEYS)[number];

const CONCURRENCY = integer(1, 64);

/** Where the key `registries` stands, and what relative paths are taken from. */
export interface EntriesPlace {
  readonly file: string;
  readonly paths: Place;
  /** For `file:PATH`. */
  readonly secrets: Place;
}

/** The registries of the configuration file, each host once; what is wrong goes to `problems`. */
export function readEntries(
  { line, value }: FileEntry,
  where: EntriesPlace,
  problems: string[],
): RegistryEntry[] {
  if (value.kind === 'nothing') return [];
  if (value.kind !== 'mapping') {
    problems.push(`${where.file}:${line}: registries: expected a mapping from hosts to their settings`);
    return [];
  }
  const lines = new Map<string, number>();
  return value.entries.flatMap((entry) => {
    const origin = `${where.file}:${entry.line}: registries`;
    const host = registryHost(entry.key);
    if (host === undefined) {
      const shown = quoted(withoutSecrets(entry.key));
      problems.push(
        `${origin}: ${shown} is no registry's host; write it as in a wish, without https:// and path`,
      );
      return [];
    }
    const earlier = lines.get(host);
    if (earlier !== undefined) {
      problems.push(`${origin}: ${host} stands already on line ${earlier}`);
      return [];
    }
    lines.set(host, entry.line);
    return new EntryReader(host, entry, { where, problems }).read();
  });
}

class EntryReader {
  readonly #host: string;
  readonly #entry: FileEntry;
  readonly #where: EntriesPlace;
  readonly #problems: string[];
  readonly #values = new Map<string, FileEntry>();

  constructor(host: string, entry: FileEntry, from: { where: EntriesPlace; problems: string[] }) {
    this.#host = host;
    this.#entry = entry;
    this.#where = from.where;
    this.#problems = from.problems;
  }

  read(): RegistryEntry[] {
    const { line, value } = this.#entry;
    if (value.kind !== 'mapping' && value.kind !== 'nothing') {
      this.#problems.push(`${this.#origin(line)}: expected settings such as "username: NAME" below it`);
      return [];
    }
    this.#collect(value.kind === 'mapping' ? value.entries : []);
    const { secrets } = this.#where;
    return [
      {
        host: this.#host,
        file: this.#where.file,
        login: this.#both(
          ['username', this.#scalar('username', userSource, secrets)],
          ['password', this.#scalar('password', passwordSource, secrets)],
          (user, password) => ({ user, password }),
        ),
        proxy: this.#scalar('proxy', place)?.value,
        mirrors: this.#mirrors(),
        concurrency: this.#scalar('concurrency', CONCURRENCY)?.value,
        authorities: this.#scalar('ca-certificates', path),
        clientCertificate: this.#both(
          ['client-certificate', this.#scalar('client-certificate', path)],
          ['client-key', this.#scalar('client-key', path)],
          (certificate, key) => ({ certificate, key }),
        ),
      },
    ];
  }

  #collect(entries: readonly FileEntry[]): void {
    for (const entry of entries) {
      if (KEYS.some((key) => key === entry.key)) this.#values.set(entry.key, entry);
      else {
        this.#problems.push(
          `${this.#origin(entry.line)}: unknown key ${quoted(entry.key)}${suggestion(entry.key, KEYS)}`,
        );
      }
    }
  }

  #scalar<Value>(key: Key, type: ValueType<Value>, from = this.#where.paths): Located<Value> | undefined {
    const entry = this.#values.get(key);
    if (entry === undefined) return undefined;
    const origin = this.#origin(entry.line, key);
    const value = this.#parse(entry.value, { origin, type, from });
    return value === undefined ? undefined : { origin, value };
  }

  #mirrors(): RegistryEntry['mirrors'] {
    const entry = this.#values.get('mirrors');
    if (entry === undefined || entry.value.kind === 'nothing') return [];
    if (entry.value.kind !== 'list') {
      this.#problems.push(`${this.#origin(entry.line, 'mirrors')}: expected a list, each ${place.expected}`);
      return [];
    }
    const mirrors = entry.value.items.map((item) =>
      this.#parse(item, {
        origin: this.#origin(item.line, 'mirrors'),
        type: place,
        from: this.#where.paths,
      }),
    );
    return mirrors.filter((mirror) => mirror !== undefined);
  }

  #parse<Value>(
    value: FileValue,
    { origin, type, from }: { origin: string; type: ValueType<Value>; from: Place },
  ): Value | undefined {
    const parsed = value.kind === 'text' ? type.parse(value.text, from) : undefined;
    if (parsed === undefined)
      this.#problems.push(`${origin}: ${whatOf(value, type)}, expected ${type.expected}`);
    return parsed;
  }

  /** Two keys that need each other. One whose value is wrong has been reported. */
  #both<First, Second, Pair>(
    [firstKey, first]: readonly [Key, First | undefined],
    [secondKey, second]: readonly [Key, Second | undefined],
    pair: (first: First, second: Second) => Pair,
  ): Pair | undefined {
    if (first !== undefined && second !== undefined) return pair(first, second);
    for (const [given, missing] of [
      [firstKey, secondKey],
      [secondKey, firstKey],
    ] as const) {
      const entry = this.#values.get(given);
      if (entry === undefined || this.#values.has(missing)) continue;
      this.#problems.push(`${this.#origin(entry.line, given)}: ${missing} is missing; give both or none`);
    }
    return undefined;
  }

  #origin(line: number, key?: Key): string {
    const tail = key === undefined ? '' : `: ${key}`;
    return `${this.#where.file}:${line}: registries: ${this.#host}${tail}`;
  }
}

function whatOf(value: FileValue, type: ValueType<unknown>): string {
  if (value.kind !== 'text') return 'what stands there is no single value';
  if (type === passwordSource) return 'what stands there cannot be used';
  return `${quoted(withoutSecrets(value.text))} cannot be used`;
}
