import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { EntryContext } from './mapping-reader.ts';
import { readValues, type OptionValues } from './option-values.ts';
import {
  OPTIONS,
  variableOf,
  type Configuration,
  type DefaultsContext,
  type Environment,
  type Option,
} from './options.ts';
import { byLine, configurationInvalid } from './problems.ts';
import { readRegistryEntries } from './registries/entries.ts';
import {
  readFileSettings,
  settingsOf,
  thisMachine,
  unknownVariables,
  type ConfigurationFile,
  type Machine,
  type Sources,
} from './settings.ts';
import { readSourceEntries } from './sources/entries.ts';

/** A configuration, and where its values come from. */
export interface ConfigurationReading {
  /** `undefined` if there are problems. */
  readonly configuration: Configuration | undefined;
  /** Those of all sources, each with its position. */
  readonly problems: readonly string[];
  readonly options: OptionValues;
}

const TABLE: readonly (readonly [name: string, option: Option])[] = Object.entries(OPTIONS);

/**
 * Loads the configuration of a run. Precedence: command line, environment, file, default. Empty environment variables
 * count as unset.
 *
 * @throws Failure `configuration-invalid` with all problems of all sources, each with its position
 */
export function loadConfiguration(sources: Sources): Configuration {
  const { configuration, problems } = readConfiguration(sources);
  if (configuration !== undefined) return configuration;
  throw configurationInvalid(
    problems,
    '"unpackd config check" checks all of it, and docs/operators.md lists the options',
  );
}

/** Like {@link loadConfiguration}, with the origin of each value, and with the problems as part of the result. */
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
  const values = {
    ...valuesOf(options),
    ...readStructured(file, { environment, home }, problems),
    ...derivedOf(options, machine, environment),
  };
  const ordered = byLine(problems, file?.path ?? '', (problem) => problem);
  return { configuration: problems.length > 0 ? undefined : complete(values), problems: ordered, options };
}

/**
 * Reads as much as possible of a broken configuration file, as if its unusable parts were absent. For commands that only
 * report: nothing may be changed on the strength of half a configuration.
 *
 * @returns `undefined` if the file is not the only problem
 */
export function salvageConfiguration(sources: Sources): Configuration | undefined {
  const { flags, environment, machine = thisMachine(environment) } = sources;
  const { key } = OPTIONS.configFile;
  const { options } = readConfiguration(sources);
  const file = options.get('configFile')?.value;
  if (typeof file !== 'string' || !existsSync(file)) return undefined;
  const { configuration } = readConfiguration({
    flags: Object.fromEntries(Object.entries(flags).filter(([name]) => name !== key)),
    environment: { ...environment, [variableOf(key)]: '' },
    machine: { ...machine, configurationFile: '' },
  });
  if (configuration === undefined) return undefined;
  const usable = [...options].filter(([, { value }]) => value !== undefined);
  return { ...configuration, ...Object.fromEntries(usable.map(([name, { value }]) => [name, value])) };
}

function derivedOf(
  options: OptionValues,
  machine: Machine,
  environment: Environment,
): Pick<Configuration, 'isBackendChosen' | 'loginFiles'> {
  return {
    isBackendChosen: options.get('backend')?.given.length !== 0,
    loginFiles: loginFilesOf(options.get('dockerConfig')?.value, machine, environment),
  };
}

/**
 * The files with logins at registries, in order of precedence: the one that `named` says, or else those of podman and
 * docker that exist.
 *
 * @see containers-auth.json(5), "DESCRIPTION"; podman-login(1) for `REGISTRY_AUTH_FILE`
 * @see https://docs.docker.com/reference/cli/docker/ "Environment variables"
 * @internal
 */
export function loginFilesOf(named: unknown, machine: Machine, environment: Environment): readonly string[] {
  if (typeof named === 'string') return [named];
  const only = environment['REGISTRY_AUTH_FILE'] ?? '';
  const files = only === '' ? usualLoginFiles(machine, environment) : [only];
  return files.filter((file) => existsSync(file));
}

function usualLoginFiles({ home, userId }: Machine, environment: Environment): string[] {
  const folder = (name: string, usual: string): string => environment[name] || usual;
  const session = environment['XDG_RUNTIME_DIR'] ?? '';
  return [
    // podman's, in the session's directory or else in one of podman's own
    ...(session === '' && userId !== undefined ? [`/run/containers/${userId}/auth.json`] : []),
    ...(session === '' ? [] : [join(session, 'containers/auth.json')]),
    join(folder('XDG_CONFIG_HOME', join(home, '.config')), 'containers/auth.json'),
    join(folder('DOCKER_CONFIG', join(home, '.docker')), 'config.json'),
  ];
}

/** Reads the keys of the file that are not options; problems go to `problems`. */
function readStructured(
  file: ConfigurationFile | undefined,
  { environment, home }: Pick<DefaultsContext, 'environment' | 'home'>,
  problems: string[],
): Pick<Configuration, 'registries' | 'sources'> {
  if (file === undefined) return { registries: [], sources: [] };
  const folder = dirname(file.path);
  const context: EntryContext = {
    file: file.path,
    base: { folder, home },
    secretsBase: { folder: environment['CREDENTIALS_DIRECTORY'] || folder, home },
    problems,
  };
  return {
    registries: file.registries === undefined ? [] : readRegistryEntries(file.registries, context),
    sources: file.sources === undefined ? [] : readSourceEntries(file.sources, context),
  };
}

function valuesOf(options: OptionValues): Readonly<Record<string, unknown>> {
  return Object.fromEntries([...options].map(([name, { value }]) => [name, value]));
}

type Values = Readonly<Record<string, unknown>> &
  Pick<Configuration, 'registries' | 'sources' | 'isBackendChosen' | 'loginFiles'>;

function complete(values: Values): Configuration {
  if (isComplete(values)) return values;
  throw new Error('an option of the table has no value');
}

/** Values have the types that the table gives them, as `ValueOf` in options.ts tells the compiler. */
function isComplete(values: Values): values is Configuration {
  return TABLE.every(([name, option]) => values[name] !== undefined || option.default === undefined);
}
