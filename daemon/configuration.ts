import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { suggestion } from '../wishlist/nearest.ts';
import { printable, quoted } from '../wishlist/quote.ts';
import { readConfigurationFile } from './configuration-file.ts';
import type { FileEntry } from './configuration-value.ts';
import { configurationInvalid } from './invalid.ts';
import { DEFAULT_CONFIGURATION_FILE, OPTIONS, REGISTRIES_KEY, SOURCES_KEY, variableOf } from './options.ts';
import type { Configuration, DefaultsContext, Environment, Option } from './options.ts';
import type { EntriesPlace } from './mapping-reader.ts';
import { readEntries } from './registries/read-entries.ts';
import { readSourceEntries } from './sources/read-entries.ts';
import type { Place } from './value-types.ts';

export interface Sources {
  /** Options of the command line, by key, values as written (`true` and `false` for those that take none). */
  readonly flags: Readonly<Record<string, string>>;
  readonly environment: Environment;
  /** What the result depends on beside the sources; by default this machine and user. */
  readonly machine?: Machine;
}

export interface Machine {
  readonly home: string;
  readonly superuser: boolean;
  readonly workingDirectory: string;
  /** Read where it exists and none was named. */
  readonly configurationFile: string;
}

/** A value as somebody wrote it. */
interface Setting {
  /** Where, for messages. */
  readonly origin: string;
  /** `undefined` where the configuration file holds something that is no single value. */
  readonly text: string | undefined;
  readonly place: Place;
}

const TABLE: readonly (readonly [name: string, option: Option])[] = Object.entries(OPTIONS);
const VARIABLES = TABLE.map(([, { key }]) => variableOf(key));

/**
 * The configuration of a run. For each option the command line counts before the environment, that before the file,
 * that before the default; empty environment variables count as unset.
 *
 * @throws Failure `configuration-invalid` with all problems of all sources, each with its place.
 */
export function loadConfiguration({
  flags,
  environment,
  machine = thisMachine(environment),
}: Sources): Configuration {
  const problems = unknownVariables(environment);
  const given = settingsOf(flags, environment, machine);
  const file = readFile(given.get(OPTIONS.configFile.key) ?? [], machine, problems);
  for (const [key, setting] of file?.settings ?? []) given.set(key, [...(given.get(key) ?? []), setting]);

  const { home, superuser } = machine;
  const { dockerConfig, ...values } = valuesOf(given, { environment, home, superuser }, problems);
  const configuration = {
    ...values,
    dockerConfig: dockerConfig ?? usualDockerConfig(environment, home),
    configFile: file?.path,
    ...structuredOf(file, { environment, home }, problems),
  };
  if (problems.length > 0) {
    throw configurationInvalid(problems, '"unpackd --help" lists all options with their defaults');
  }
  if (!isComplete(configuration)) throw new Error('an option of the table has no value');
  return configuration;
}

/** The table gives each value its type, as `ValueOf` in options.ts tells the compiler. */
function isComplete(values: Readonly<Record<string, unknown>> & Structured): values is Configuration {
  return TABLE.every(([name, option]) => values[name] !== undefined || option.default === undefined);
}

/** What the command line and the environment say, by key, in the order in which they count. */
function settingsOf(
  flags: Sources['flags'],
  environment: Environment,
  { workingDirectory: folder, home }: Machine,
): Map<string, readonly Setting[]> {
  const place: Place = { folder, home };
  const given = new Map<string, readonly Setting[]>();
  for (const [, { key, variables = [] }] of TABLE) {
    const flag = flags[key];
    const settings = flag === undefined ? [] : [{ origin: `--${key}`, text: flag, place }];
    for (const variable of [variableOf(key), ...variables]) {
      const text = environment[variable] ?? '';
      if (text !== '') settings.push({ origin: variable, text, place });
    }
    if (settings.length > 0) given.set(key, settings);
  }
  return given;
}

function unknownVariables(environment: Environment): string[] {
  return Object.keys(environment)
    .filter((variable) => variable.startsWith('UNPACKD_') && !VARIABLES.includes(variable))
    .map(
      (variable) =>
        `there is no option for the environment variable ${printable(variable)}${suggestion(variable, VARIABLES)}`,
    );
}

interface ConfigurationFile {
  readonly path: string;
  /** By key. */
  readonly settings: readonly (readonly [string, Setting])[];
  readonly registries: FileEntry | undefined;
  readonly sources: FileEntry | undefined;
}

/** What has no single value. */
type Structured = Pick<Configuration, 'registries' | 'sources'>;

/** `undefined` where there is none, and none was named. */
function readFile(
  named: readonly Setting[],
  machine: Machine,
  problems: string[],
): ConfigurationFile | undefined {
  const origin = named[0];
  const path =
    origin === undefined
      ? machine.configurationFile
      : OPTIONS.configFile.type.parse(origin.text ?? '', origin.place);
  if (path === undefined) return undefined;
  const content = readConfigurationFile(path);
  if (content === undefined) {
    if (origin !== undefined) problems.push(`${origin.origin}: the file ${quoted(path)} does not exist`);
    return undefined;
  }
  problems.push(...content.problems);
  const options = TABLE.filter(([, option]) => option.notInFile !== true).map(([, { key }]) => key);
  const keys = [...options, REGISTRIES_KEY, SOURCES_KEY];
  for (const { key, line } of content.entries) {
    if (!keys.includes(key))
      problems.push(`${path}:${line}: unknown key ${quoted(key)}${suggestion(key, keys)}`);
  }
  const place: Place = { folder: dirname(path), home: machine.home };
  const known = content.entries.filter(({ key }) => options.includes(key));
  return {
    path,
    settings: known.map(({ key, line, value }) => {
      const text = value.kind === 'text' ? value.text : undefined;
      return [key, { origin: `${path}:${line}: ${key}`, text, place }] as const;
    }),
    registries: content.entries.find(({ key }) => key === REGISTRIES_KEY),
    sources: content.entries.find(({ key }) => key === SOURCES_KEY),
  };
}

function structuredOf(
  file: ConfigurationFile | undefined,
  { environment, home }: Pick<DefaultsContext, 'environment' | 'home'>,
  problems: string[],
): Structured {
  if (file === undefined) return { registries: [], sources: [] };
  const folder = dirname(file.path);
  const credentials = environment['CREDENTIALS_DIRECTORY'] ?? '';
  const where: EntriesPlace = {
    file: file.path,
    paths: { folder, home },
    secrets: { folder: credentials === '' ? folder : credentials, home },
  };
  return {
    registries: file.registries === undefined ? [] : readEntries(file.registries, where, problems),
    sources: file.sources === undefined ? [] : readSourceEntries(file.sources, where, problems),
  };
}

/** @see https://docs.docker.com/reference/cli/docker/ "Environment variables" */
function usualDockerConfig(environment: Environment, home: string): string | undefined {
  const folder = environment['DOCKER_CONFIG'] ?? '';
  const file = join(folder === '' ? join(home, '.docker') : folder, 'config.json');
  return existsSync(file) ? file : undefined;
}

/** Reads every value that was given, also those that another one overrides: a wrong one is wrong in any case. */
function valuesOf(
  given: ReadonlyMap<string, readonly Setting[]>,
  machine: Omit<DefaultsContext, 'earlier'>,
  problems: string[],
): Record<string, unknown> {
  const byKey = new Map<string, unknown>();
  const context: DefaultsContext = { ...machine, earlier: (key) => byKey.get(key) };
  const byName: Record<string, unknown> = {};
  for (const [name, option] of TABLE) {
    const settings = given.get(option.key) ?? [];
    const values = settings.map((setting) => valueOf(option, setting, problems));
    const value = settings.length > 0 ? values[0] : defaultOf(option, context);
    byKey.set(option.key, value);
    byName[name] = value;
  }
  return byName;
}

function valueOf(option: Option, { origin, text, place }: Setting, problems: string[]): unknown {
  const value = text === undefined ? undefined : option.type.parse(text, place);
  if (value === undefined) {
    const found =
      text === undefined ? 'what stands there is no single value' : `${quoted(text)} cannot be used`;
    problems.push(`${origin}: ${found}, expected ${option.type.expected}`);
  }
  return value;
}

function defaultOf(option: Option, context: DefaultsContext): unknown {
  const text = typeof option.default === 'object' ? option.default.compute(context) : option.default;
  return text === undefined ? undefined : option.type.parse(text, { folder: '/', home: context.home });
}

function thisMachine(environment: Environment): Machine {
  return {
    home: homeOf(environment),
    superuser: process.getuid?.() === 0,
    workingDirectory: process.cwd(),
    configurationFile: DEFAULT_CONFIGURATION_FILE,
  };
}

function homeOf(environment: Environment): string {
  const home = environment['HOME'] ?? '';
  return home === '' ? homedir() : home;
}
