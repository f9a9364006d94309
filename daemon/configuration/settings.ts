import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname } from 'node:path';
import { printable, quoted, suggestion } from '../../core/text.ts';
import {
  readConfigurationFile,
  type ConfigurationEntry,
  type ConfigurationValue,
} from './configuration-file.ts';
import {
  DEFAULT_CONFIGURATION_FILE,
  OPTIONS,
  REGISTRIES_KEY,
  SERVICE_STATE_DIRECTORY,
  SOURCES_KEY,
  variableOf,
  type Environment,
  type Option,
} from './options.ts';
import { withoutAddressSecrets } from './secrets.ts';
import type { PathBase } from './value-types.ts';

/** The inputs of a configuration. */
export interface Sources {
  /** Options of the command line by key, values as written (`true` and `false` for those without a value). */
  readonly flags: Readonly<Record<string, string>>;
  readonly environment: Environment;
  /** This machine and user by default. */
  readonly machine?: Machine;
}

/** Facts about the machine and user that defaults depend on. */
export interface Machine {
  readonly home: string;
  readonly superuser: boolean;
  /** Podman keeps this user's logins in `/run/containers`. */
  readonly userId?: number;
  /** Set for the user who runs the service: its state directory belongs to them. */
  readonly ownsServiceState?: boolean;
  readonly workingDirectory: string;
  /** Read if it exists and no other file is named. */
  readonly configurationFile: string;
}

export function thisMachine(environment: Environment): Machine {
  const userId = process.getuid?.();
  return {
    home: environment['HOME'] || homedir(),
    superuser: userId === 0,
    ...(userId !== undefined && { userId }),
    ownsServiceState: statSync(SERVICE_STATE_DIRECTORY, { throwIfNoEntry: false })?.uid === userId,
    workingDirectory: process.cwd(),
    configurationFile: DEFAULT_CONFIGURATION_FILE,
  };
}

/** The origin of a value. */
export type Origin =
  | { readonly kind: 'option'; readonly name: string }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'file'; readonly file: string; readonly line: number };

/** `--wait`, `UNPACKD_WAIT` or `/etc/unpackd/unpackd.yaml:7`. */
export function originText(origin: Origin): string {
  return origin.kind === 'file' ? `${origin.file}:${origin.line}` : origin.name;
}

/** The same with the key, for messages. */
export function placeOf(origin: Origin, key: string): string {
  return origin.kind === 'file' ? `${originText(origin)}: ${key}` : originText(origin);
}

/** A value as written. */
export interface Setting {
  readonly origin: Origin;
  /** `undefined` if the configuration file holds a list or a mapping instead of a single value. */
  readonly text: string | undefined;
  readonly base: PathBase;
}

/** Settings by the option's key, in order of precedence. */
export type Settings = ReadonlyMap<string, readonly Setting[]>;

const TABLE: readonly Option[] = Object.values(OPTIONS);
const VARIABLES = TABLE.map(({ key }) => variableOf(key));
const OPTION_KEYS = TABLE.filter(({ notInFile }) => notInFile !== true).map(({ key }) => key);
const FILE_KEYS = [...OPTION_KEYS, REGISTRIES_KEY, SOURCES_KEY];
/** The keys of options by their former ones. */
const FORMER_KEYS = new Map(
  TABLE.flatMap(({ key, formerKey }) => (formerKey === undefined ? [] : [[formerKey, key]])),
);
const FORMER_VARIABLES = [...FORMER_KEYS.keys()].map(variableOf);

/** Collects the settings of the command line and the environment. */
export function settingsOf(
  { flags, environment }: Sources,
  { workingDirectory: folder, home }: Machine,
): Map<string, readonly Setting[]> {
  const base: PathBase = { folder, home };
  const given = new Map<string, readonly Setting[]>();
  for (const { key, formerKey, variables = [] } of TABLE) {
    const settings: Setting[] = [];
    const names = formerKey === undefined ? [key] : [key, formerKey];
    for (const name of names) {
      const text = flags[name];
      if (text !== undefined) settings.push({ origin: { kind: 'option', name: `--${name}` }, text, base });
    }
    for (const name of [...names.map(variableOf), ...variables]) {
      const text = environment[name] ?? '';
      if (text !== '') settings.push({ origin: { kind: 'variable', name }, text, base });
    }
    if (settings.length > 0) given.set(key, settings);
  }
  return given;
}

/** Reports variables that look like those of options but are not. */
export function unknownVariables(environment: Environment): string[] {
  return Object.keys(environment)
    .filter((variable) => variable.startsWith('UNPACKD_'))
    .filter((variable) => ![...VARIABLES, ...FORMER_VARIABLES].includes(variable))
    .map(
      (variable) =>
        `no option belongs to the environment variable ${printable(variable)}${suggestion(variable, VARIABLES) || '; remove it: docs/operators.md lists the options'}`,
    );
}

/** The content of a configuration file, as written. */
export interface ConfigurationFile {
  readonly path: string;
  /** By key. */
  readonly settings: readonly (readonly [string, Setting])[];
  readonly registries: ConfigurationEntry | undefined;
  readonly sources: ConfigurationEntry | undefined;
}

/**
 * Reads the named file, or else the usual one; problems go to `problems`.
 *
 * @returns `undefined` if it does not exist
 */
export function readFileSettings(
  named: Setting | undefined,
  machine: Machine,
  problems: string[],
): ConfigurationFile | undefined {
  const path =
    named === undefined
      ? machine.configurationFile
      : OPTIONS.configFile.type.parse(named.text ?? '', named.base);
  if (path === undefined) return undefined;
  const content = readConfigurationFile(path);
  if (content === undefined) {
    if (named !== undefined) {
      const place = placeOf(named.origin, OPTIONS.configFile.key);
      problems.push(`${place}: the file ${quoted(path)} does not exist; name another, or create it`);
    }
    return undefined;
  }
  for (const problem of [content.problems, unknownKeys(path, content.entries)].flat()) problems.push(problem);
  return fileOf(path, content.entries, machine);
}

function unknownKeys(path: string, entries: readonly ConfigurationEntry[]): string[] {
  return entries
    .filter(({ key }) => !FILE_KEYS.includes(key) && !FORMER_KEYS.has(key))
    .map(
      ({ key, line }) =>
        `${path}:${line}: unknown key ${quoted(withoutAddressSecrets(key))}${suggestion(key, FILE_KEYS) || '; remove it: docs/operators.md lists the keys'}`,
    );
}

function fileOf(path: string, entries: readonly ConfigurationEntry[], { home }: Machine): ConfigurationFile {
  const base = { folder: dirname(path), home };
  const named = entries.map((entry) => ({ ...entry, key: FORMER_KEYS.get(entry.key) ?? entry.key }));
  const known = named.filter(({ key }) => OPTION_KEYS.includes(key));
  return {
    path,
    settings: known.map(({ key, line, value }) => {
      const text = textOf(key, value);
      return [key, { origin: { kind: 'file', file: path, line }, text, base }];
    }),
    registries: entries.find(({ key }) => key === REGISTRIES_KEY),
    sources: entries.find(({ key }) => key === SOURCES_KEY),
  };
}

/** @returns `undefined` if `value` is neither a single value nor a list for an option that takes one */
function textOf(key: string, value: ConfigurationValue): string | undefined {
  if (value.kind === 'text') return value.text;
  const isList = TABLE.some((option) => option.key === key && option.type.isList === true);
  if (!isList || value.kind !== 'list' || value.items.length === 0) return undefined;
  const items = value.items.map((item) => (item.kind === 'text' ? item.text : undefined));
  return items.includes(undefined) ? undefined : items.join(',');
}
