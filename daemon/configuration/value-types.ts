import { resolve } from 'node:path';
import { BYTE_UNITS, exactSize, shortest } from '../../core/text.ts';
import { orUndefined } from '../../core/failure.ts';
import { formatPlatform, parsePlatform, type Platform } from '../../core/oci/platform.ts';
import { parseRegistryPattern } from '../../core/oci/registry-host.ts';
import { isOutputName, outputNames, unfoundedOutput, type OutputName } from '../../core/outputs.ts';
import { isRepositoryName } from '../../core/oci/repository-name.ts';

/** The base of relative paths and of `~/`. */
export interface PathBase {
  /** For relative paths: the working directory, or the folder of the configuration file. */
  readonly folder: string;
  /** For `~/`. */
  readonly home: string;
}

/** A value with its position, for messages: `/etc/unpackd/unpackd.yaml:12: registries: quay.io: password`. */
export interface Located<Value> {
  readonly origin: string;
  readonly value: Value;
}

/** Parses the text of an option, an environment variable or a scalar of the configuration file. */
export interface ValueType<Value> {
  /** Describes a valid value; follows "expected" in messages. */
  readonly expected: string;
  /** Names the value in the help: `size`. An option of a type without it takes no value. */
  readonly argument?: string;
  /** @returns `undefined` if `text` is not valid */
  readonly parse: (text: string, base: PathBase) => Value | undefined;
  /**
   * The inverse of `parse`; without it the value is its own text. A method, so that a type of some value is a type of
   * `unknown` too.
   */
  format?(value: Value): string;
  /** Several values, separated by commas or, in the configuration file, in a list. */
  readonly isList?: true;
  /** The valid values, if there are few. */
  readonly values?: readonly string[];
}

/** Formats `value` so that `type` reads it back. */
export function formatValue(type: ValueType<unknown>, value: unknown): string {
  if (type.format !== undefined) return type.format(value);
  return Array.isArray(value) ? value.join(',') : String(value);
}

export const string: ValueType<string> = {
  expected: 'a text',
  argument: 'command',
  parse: (text) => (isText(text) ? text : undefined),
};

/** An absolute path. */
export const path: ValueType<string> = {
  expected: 'a path',
  argument: 'file',
  parse: (text, { folder, home }) => {
    if (!isText(text)) return undefined;
    if (text === '~') return home;
    return text.startsWith('~/') ? resolve(home, text.slice(2)) : resolve(folder, text);
  },
};

export const directory: ValueType<string> = { ...path, argument: 'dir' };

/** At least one absolute path, without repetition. */
export const paths: ValueType<readonly string[]> = {
  expected: 'comma-separated paths, or a list in a file',
  argument: 'files',
  isList: true,
  parse: (text, base) => each(text, (one) => path.parse(one, base)),
};

const TRUE = new Set(['true', 'yes', 'on', '1']);
const FALSE = new Set(['false', 'no', 'off', '0']);

export const boolean: ValueType<boolean> = {
  expected: 'true or false',
  parse: (text) => {
    const word = text.toLowerCase();
    if (TRUE.has(word)) return true;
    return FALSE.has(word) ? false : undefined;
  },
};

export function integer(minimum: number, maximum: number): ValueType<number> {
  return {
    expected: `a whole number from ${minimum} to ${maximum}`,
    argument: 'number',
    parse: (text) => (/^\d{1,15}$/.test(text) ? within(Number(text), minimum, maximum) : undefined),
  };
}

export function choice<const Values extends readonly string[]>(...values: Values): ValueType<Values[number]> {
  return {
    expected: `one of ${values.join(', ')}`,
    argument: 'kind',
    values,
    parse: (text) => values.find((value) => value === text),
  };
}

const DAY_MS = 86_400_000;
const MILLISECONDS: Readonly<Record<string, number>> = {
  '': 1000,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: DAY_MS,
};

/** Node's timers fire at once beyond this. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A duration in milliseconds, at least `minimumMs`; beyond the default maximum for what no timer waits for. */
export function duration(minimumMs = 0, maximumMs = LONGEST_TIMER_MS): ValueType<number> {
  const least = minimumMs === 0 ? '' : `, at least ${shortest(minimumMs, MILLISECONDS)}`;
  const most = Math.floor(maximumMs / DAY_MS);
  return {
    expected: `a duration such as 90s, 10m or 2h (without a unit: seconds)${least}, at most ${most}d`,
    argument: 'duration',
    parse: (text) => {
      const [, digits, unit] = /^(\d{1,15}(?:\.\d{1,3})?)([smhd]?)$/.exec(text) ?? [];
      const factor = MILLISECONDS[unit ?? ' '];
      if (digits === undefined || factor === undefined) return undefined;
      return within(Math.round(Number(digits) * factor), minimumMs, maximumMs);
    },
    format: (ms) => shortest(ms, MILLISECONDS) ?? `${ms / 1000}s`,
  };
}

/** Ten years. */
const LONGEST_GRACE_MS = 3_650 * DAY_MS;

/** A duration in milliseconds that is a number of days where it has no unit, as DUCC has it. */
export const days: ValueType<number> = {
  ...duration(0, LONGEST_GRACE_MS),
  expected: 'days such as 30, or a duration such as 12h, at most 3650d',
  argument: 'days',
  parse: (text, base) => duration(0, LONGEST_GRACE_MS).parse(/^[\d.]+$/.test(text) ? `${text}d` : text, base),
};

/** A number of bytes, at least 1. */
export const size: ValueType<number> = {
  expected: 'a size such as 20GiB or 500MB (without a unit: bytes), at least 1',
  argument: 'size',
  parse: (text) => {
    const [, digits, unit] = /^(\d{1,15}(?:\.\d{1,3})?) ?([A-Za-z]{0,3})$/.exec(text) ?? [];
    const factor = unit === undefined ? undefined : factorOf(unit);
    if (digits === undefined || factor === undefined) return undefined;
    return within(Math.round(Number(digits) * factor), 1, Number.MAX_SAFE_INTEGER);
  },
  format: exactSize,
};

/** At least one platform, without repetition. */
export const platforms: ValueType<readonly Platform[]> = {
  expected: 'comma-separated platforms such as linux/amd64,linux/arm64, or a list in a file',
  argument: 'list',
  isList: true,
  parse: (text) =>
    orUndefined('platform-invalid', () => {
      const parsed = text.split(',').map((name) => parsePlatform(name.trim()));
      return [...new Map(parsed.map((platform) => [formatPlatform(platform), platform])).values()];
    }),
  format: (value) => value.map(formatPlatform).join(','),
};

/** At least one output, without repetition, and none without the one that it links to. */
export const outputs: ValueType<readonly OutputName[]> = {
  expected: `comma-separated outputs, or a list in a file: ${outputNames().join(', ')}; chains and podman need layers`,
  argument: 'list',
  isList: true,
  parse: (text) => {
    const names = each(text, (one) => (isOutputName(one) ? one : undefined));
    return names === undefined || unfoundedOutput(names) !== undefined ? undefined : names;
  },
};

/** At least one pattern for `matchesRegistry`, without repetition, in lower case. */
export const registryPatterns: ValueType<readonly string[]> = {
  expected: 'comma-separated registries such as docker.io,*.example.org,quay.io/lab, or a list in a file',
  argument: 'list',
  isList: true,
  parse: (text) => each(text, (one) => registryPattern.parse(one, NOWHERE)),
};

/** A pattern for `matchesRegistry`. */
export const registryPattern: ValueType<string> = {
  expected: 'a registry such as docker.io, *.example.org or quay.io/lab',
  parse: (text) => orUndefined('reference-invalid', () => parseRegistryPattern(text)),
};

export const repositoryName: ValueType<string> = {
  expected: 'a repository name such as unpacked.example.org',
  parse: (text) => (isRepositoryName(text) ? text : undefined),
};

/** At least one name of a repository, without repetition. */
export const repositoryNames: ValueType<readonly string[]> = {
  expected: 'comma-separated repository names such as unpacked.example.org, or a list in a file',
  argument: 'list',
  isList: true,
  parse: (text) => each(text, (one) => repositoryName.parse(one, NOWHERE)),
};

const NOWHERE: PathBase = { folder: '', home: '' };

/** Parses a comma-separated list without repetition; `undefined` if an item is not valid. */
function each<T>(text: string, parse: (one: string) => T | undefined): T[] | undefined {
  const values = text.split(',').map((one) => parse(one.trim()));
  const usable = values.filter((value) => value !== undefined);
  return usable.length === values.length ? [...new Set(usable)] : undefined;
}

/** Paths and arguments cannot contain NUL, which ends strings of the operating system. */
function isText(text: string): boolean {
  return text !== '' && !text.includes('\0');
}

function factorOf(unit: string): number | undefined {
  const name = Object.keys(BYTE_UNITS).find((known) => known.toLowerCase() === unit.toLowerCase());
  return name === undefined ? undefined : BYTE_UNITS[name];
}

function within(value: number, minimum: number, maximum: number): number | undefined {
  return value >= minimum && value <= maximum ? value : undefined;
}
