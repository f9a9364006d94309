import { homedir } from 'node:os';
import { dirname } from 'node:path';
import { Failure } from '../wishlist/failure.ts';
import { printable, quoted } from '../wishlist/quote.ts';
import { readConfigurationFile } from './configuration-file.ts';
import { suggestion } from './nearest.ts';
import { DEFAULT_CONFIGURATION_FILE, OPTIONS, variableOf } from './options.ts';
import type { Configuration, DefaultsContext, Environment, Option } from './options.ts';
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
  const here: Place = { folder: machine.workingDirectory, home: machine.home };
  const given = new Map<string, Setting[]>();
  const add = (key: string, setting: Setting): void => {
    given.set(key, [...(given.get(key) ?? []), setting]);
  };

  for (const [key, text] of Object.entries(flags)) add(key, { origin: `--${key}`, text, place: here });
  for (const [, option] of TABLE) {
    for (const variable of [variableOf(option.key), ...(option.variables ?? [])]) {
      const text = environment[variable];
      if (text !== undefined && text !== '') add(option.key, { origin: variable, text, place: here });
    }
  }
  const file = readFile(given.get(OPTIONS.configFile.key) ?? [], machine, problems);
  for (const [key, setting] of file.settings) add(key, setting);

  const { home, superuser } = machine;
  const values = {
    ...valuesOf(given, { environment, home, superuser }, problems),
    configFile: file.path,
  };
  if (problems.length > 0) throw invalid(problems);
  if (!isComplete(values)) throw new Error('an option of the table has no value');
  return values;
}

/** The table gives each value its type, as `ValueOf` in options.ts tells the compiler. */
function isComplete(values: Readonly<Record<string, unknown>>): values is Configuration {
  return TABLE.every(([name, option]) => values[name] !== undefined || option.default === undefined);
}

function unknownVariables(environment: Environment): string[] {
  return Object.keys(environment)
    .filter((variable) => variable.startsWith('UNPACKD_') && !VARIABLES.includes(variable))
    .map(
      (variable) =>
        `there is no option for the environment variable ${printable(variable)}${suggestion(variable, VARIABLES)}`,
    );
}

function readFile(
  named: readonly Setting[],
  machine: Machine,
  problems: string[],
): { readonly path: string | undefined; readonly settings: readonly (readonly [string, Setting])[] } {
  const origin = named[0];
  const path =
    origin === undefined
      ? machine.configurationFile
      : OPTIONS.configFile.type.parse(origin.text ?? '', origin.place);
  if (path === undefined) return { path, settings: [] };
  const content = readConfigurationFile(path);
  if (content === undefined) {
    if (origin === undefined) return { path: undefined, settings: [] };
    problems.push(`${origin.origin}: the file ${quoted(path)} does not exist`);
    return { path, settings: [] };
  }
  problems.push(...content.problems);
  const keys = TABLE.filter(([, option]) => option.notInFile !== true).map(([, { key }]) => key);
  const known = content.entries.filter(({ key }) => keys.includes(key));
  for (const { key, line } of content.entries) {
    if (!keys.includes(key))
      problems.push(`${path}:${line}: unknown key ${quoted(key)}${suggestion(key, keys)}`);
  }
  const place: Place = { folder: dirname(path), home: machine.home };
  return {
    path,
    settings: known.map(
      ({ key, line, text }) => [key, { origin: `${path}:${line}: ${key}`, text, place }] as const,
    ),
  };
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

function invalid(problems: readonly string[]): Failure {
  const count = problems.length === 1 ? '' : `${problems.length} problems: `;
  return new Failure('configuration-invalid', `${count}${problems.join('; ')}`, {
    hint: '"unpackd --help" lists all options with their defaults',
  });
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
