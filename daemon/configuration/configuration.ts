import { thisMachine } from './configuration-sources.ts';
import type { Machine, Sources } from './configuration-sources.ts';
import { readFileSettings } from './file-settings.ts';
import { byLine, configurationInvalid } from './invalid.ts';
import { loginFilesOf } from './login-files.ts';
import { readValues } from './option-values.ts';
import type { OptionValues } from './option-values.ts';
import { OPTIONS } from './options.ts';
import type { Configuration, Environment, Option } from './options.ts';
import { settingsOf, unknownVariables } from './settings.ts';
import { readStructured } from './structured-keys.ts';
import type { Structured } from './structured-keys.ts';

export type { Machine, Sources } from './configuration-sources.ts';

/** A configuration, and how it came about. */
export interface ConfigurationReading {
  /** `undefined` where there are problems. */
  readonly configuration: Configuration | undefined;
  /** All of all sources, each with its place. */
  readonly problems: readonly string[];
  readonly options: OptionValues;
}

const TABLE: readonly (readonly [name: string, option: Option])[] = Object.entries(OPTIONS);

/**
 * The configuration of a run. For each option the command line counts before the environment, that before the file,
 * that before the default; empty environment variables count as unset.
 *
 * @throws Failure `configuration-invalid` with all problems of all sources, each with its place.
 */
export function loadConfiguration(sources: Sources): Configuration {
  const { configuration, problems } = readConfiguration(sources);
  if (configuration !== undefined) return configuration;
  throw configurationInvalid(
    problems,
    '"unpackd config check" checks all of it, and "unpackd --help" lists the options',
  );
}

/** What {@link loadConfiguration} gives, with where each value comes from, or with what is wrong. */
export function readConfiguration(sources: Sources): ConfigurationReading {
  const { environment, machine = thisMachine(sources.environment) } = sources;
  const { home } = machine;
  const problems = unknownVariables(environment);
  const given = settingsOf(sources, machine);
  const named = given.get(OPTIONS.configFile.key)?.[0];
  const file = readFileSettings(named, machine, problems);
  for (const [key, setting] of file?.settings ?? []) given.set(key, [...(given.get(key) ?? []), setting]);

  const found = { [OPTIONS.configFile.key]: named === undefined ? file?.path : undefined };
  const options = readValues(given, { ...machine, environment, found }, problems);
  const structured = readStructured(file, { environment, home }, problems);
  const values = { ...valuesOf(options), ...structured, ...derivedOf(options, machine, environment) };
  const ordered = byLine(problems, file?.path ?? '', (problem) => problem);
  return { configuration: problems.length > 0 ? undefined : complete(values), problems: ordered, options };
}

function derivedOf(options: OptionValues, machine: Machine, environment: Environment): Derived {
  return {
    isBackendChosen: options.get('backend')?.given.length !== 0,
    loginFiles: loginFilesOf(options.get('dockerConfig')?.value, machine, environment),
  };
}

/** What follows from the options and the machine. */
type Derived = Pick<Configuration, 'isBackendChosen' | 'loginFiles'>;

function valuesOf(options: OptionValues): Readonly<Record<string, unknown>> {
  return Object.fromEntries([...options].map(([name, { value }]) => [name, value]));
}

type Values = Readonly<Record<string, unknown>> & Structured & Derived;

function complete(values: Values): Configuration {
  if (isComplete(values)) return values;
  throw new Error('an option of the table has no value');
}

/** The table gives each value its type, as `ValueOf` in options.ts tells the compiler. */
function isComplete(values: Values): values is Configuration {
  return TABLE.every(([name, option]) => values[name] !== undefined || option.default === undefined);
}
