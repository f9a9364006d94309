import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { thisMachine } from './configuration-sources.ts';
import type { Sources } from './configuration-sources.ts';
import { readFileSettings } from './file-settings.ts';
import { configurationInvalid } from './invalid.ts';
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
  throw configurationInvalid(problems, '"unpackd --help" lists all options with their defaults');
}

/** What {@link loadConfiguration} gives, with where each value comes from, or with what is wrong. */
export function readConfiguration(sources: Sources): ConfigurationReading {
  const { environment, machine = thisMachine(sources.environment) } = sources;
  const { home, superuser, ownsServiceState = false } = machine;
  const problems = unknownVariables(environment);
  const given = settingsOf(sources, machine);
  const named = given.get(OPTIONS.configFile.key)?.[0];
  const file = readFileSettings(named, machine, problems);
  for (const [key, setting] of file?.settings ?? []) given.set(key, [...(given.get(key) ?? []), setting]);

  const found = {
    [OPTIONS.dockerConfig.key]: usualDockerConfig(environment, home),
    [OPTIONS.configFile.key]: named === undefined ? file?.path : undefined,
  };
  const options = readValues(given, { environment, home, superuser, ownsServiceState, found }, problems);
  const structured = readStructured(file, { environment, home }, problems);
  if (problems.length > 0) return { configuration: undefined, problems, options };
  const configuration = {
    ...Object.fromEntries([...options].map(([name, { value }]) => [name, value])),
    ...structured,
    isBackendChosen: given.has(OPTIONS.backend.key),
  };
  if (!isComplete(configuration)) throw new Error('an option of the table has no value');
  return { configuration, problems, options };
}

/** The table gives each value its type, as `ValueOf` in options.ts tells the compiler. */
function isComplete(
  values: Readonly<Record<string, unknown>> & Structured & Pick<Configuration, 'isBackendChosen'>,
): values is Configuration {
  return TABLE.every(([name, option]) => values[name] !== undefined || option.default === undefined);
}

/** @see https://docs.docker.com/reference/cli/docker/ "Environment variables" */
function usualDockerConfig(environment: Environment, home: string): string | undefined {
  const folder = environment['DOCKER_CONFIG'] ?? '';
  const file = join(folder === '' ? join(home, '.docker') : folder, 'config.json');
  return existsSync(file) ? file : undefined;
}
