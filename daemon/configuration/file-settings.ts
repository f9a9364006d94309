import { dirname } from 'node:path';
import { suggestion, quoted } from '../../core/text.ts';
import { readConfigurationFile } from './configuration-file.ts';
import type { Machine } from './configuration-sources.ts';
import type { FileEntry, FileValue } from './configuration-file.ts';
import { OPTIONS, REGISTRIES_KEY, SOURCES_KEY } from './options.ts';
import type { Option } from './options.ts';
import { withoutAddressSecrets } from './secrets.ts';
import { placeOf } from './settings.ts';
import type { Setting } from './settings.ts';

/** What a configuration file says, as it is written. */
export interface ConfigurationFile {
  readonly path: string;
  /** By key. */
  readonly settings: readonly (readonly [string, Setting])[];
  readonly registries: FileEntry | undefined;
  readonly sources: FileEntry | undefined;
}

const TABLE: readonly Option[] = Object.values(OPTIONS);
const OPTION_KEYS = TABLE.filter(({ notInFile }) => notInFile !== true).map(({ key }) => key);
const KEYS = [...OPTION_KEYS, REGISTRIES_KEY, SOURCES_KEY];
/** By the keys of earlier versions, the options' own. */
const FORMER_KEYS = new Map(
  TABLE.flatMap(({ key, formerKey }) => (formerKey === undefined ? [] : [[formerKey, key]])),
);

/**
 * The file that somebody named, else the usual one; what is wrong goes to `problems`.
 *
 * @returns `undefined` where there is none
 */
export function readFileSettings(
  named: Setting | undefined,
  machine: Machine,
  problems: string[],
): ConfigurationFile | undefined {
  const path =
    named === undefined
      ? machine.configurationFile
      : OPTIONS.configFile.type.parse(named.text ?? '', named.place);
  if (path === undefined) return undefined;
  const content = readConfigurationFile(path);
  if (content === undefined) {
    if (named !== undefined) {
      const place = placeOf(named.origin, OPTIONS.configFile.key);
      problems.push(`${place}: the file ${quoted(path)} does not exist; name another, or make it`);
    }
    return undefined;
  }
  for (const problem of content.problems) problems.push(problem);
  for (const { key, line } of content.entries) {
    if (!KEYS.includes(key) && !FORMER_KEYS.has(key))
      problems.push(
        `${path}:${line}: unknown key ${quoted(withoutAddressSecrets(key))}${suggestion(key, KEYS) || '; remove it, or see "unpackd --help"'}`,
      );
  }
  return fileOf(path, content.entries, machine);
}

/** `undefined` where what stands there is no single value, nor a list for an option that takes one. */
function textOf(key: string, value: FileValue): string | undefined {
  if (value.kind === 'text') return value.text;
  const isList = TABLE.some((option) => option.key === key && option.type.isList === true);
  if (!isList || value.kind !== 'list' || value.items.length === 0) return undefined;
  const items = value.items.map((item) => (item.kind === 'text' ? item.text : undefined));
  return items.includes(undefined) ? undefined : items.join(',');
}

function fileOf(path: string, entries: readonly FileEntry[], { home }: Machine): ConfigurationFile {
  const place = { folder: dirname(path), home };
  const named = entries.map((entry) => ({ ...entry, key: FORMER_KEYS.get(entry.key) ?? entry.key }));
  const known = named.filter(({ key }) => OPTION_KEYS.includes(key));
  return {
    path,
    settings: known.map(({ key, line, value }) => {
      const text = textOf(key, value);
      return [key, { origin: { kind: 'file', file: path, line }, text, place }];
    }),
    registries: entries.find(({ key }) => key === REGISTRIES_KEY),
    sources: entries.find(({ key }) => key === SOURCES_KEY),
  };
}
