import { dirname } from 'node:path';
import type { ConfigurationFile } from './file-settings.ts';
import type { EntriesPlace } from './mapping-reader.ts';
import type { Configuration, DefaultsContext } from './options.ts';
import { readEntries } from './registry-read-entries.ts';
import { readSourceEntries } from './sources/entries.ts';

/** What has no single value. */
export type Structured = Pick<Configuration, 'registries' | 'sources'>;

/** The keys of the configuration file that are no options; what is wrong goes to `problems`. */
export function readStructured(
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
