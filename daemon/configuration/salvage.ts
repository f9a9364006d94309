import { existsSync } from 'node:fs';
import { readConfiguration } from './configuration.ts';
import { thisMachine, type Sources } from './configuration-sources.ts';
import { OPTIONS, variableOf, type Configuration } from './options.ts';

/**
 * What counts where the configuration file is wrong and nothing else: what cannot be used of it is as if it did not stand
 * there. It is for looking alone: nothing must be done by half of a configuration.
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
