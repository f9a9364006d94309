import { counted } from '../../../core/text.ts';
import { columns } from './columns.ts';
import type { ShownEntry } from './shown-entries.ts';
import { optionCells, type ShownOption } from './shown-options.ts';

/** All that is in force, without secrets; also the document of `config show --json`. */
export interface Overview {
  /** The configuration file; `null` where there is none. */
  readonly file: string | null;
  readonly options: readonly ShownOption[];
  /** The files in which "docker login" and "podman login" keep credentials, as far as they count. */
  readonly loginFiles: readonly string[];
  readonly registries: readonly ShownEntry[];
  /** Those of DUCC's variables. */
  readonly duccRegistries: readonly ShownEntry[];
  readonly sources: readonly ShownEntry[];
}

export function overviewText(overview: Overview): string {
  const { file, options, loginFiles, registries, duccRegistries, sources } = overview;
  const different = options.filter(({ isDefault }) => !isDefault);
  const lines = [
    `configuration file: ${file ?? 'none'}`,
    `${counted(different.length, 'option')} of ${options.length} not as by default, marked with *`,
    '',
    ...columns(options.map(optionCells)),
    '',
    `log-ins of docker and podman: ${loginFiles.length === 0 ? 'none' : loginFiles.join(', ')}`,
    ...entryLines('registries', registries),
    ...entryLines("registries of DUCC's variables", duccRegistries),
    ...entryLines('sources', sources),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function entryLines(title: string, entries: readonly ShownEntry[]): string[] {
  if (entries.length === 0) return ['', `${title}: none`];
  const rows = entries.flatMap(({ name, origin, settings }) => {
    const cells = Object.entries(settings).map(([key, value]) => ['', `  ${key}`, valueText(value)]);
    return [['', name, '', origin], ...cells];
  });
  return ['', `${title}:`, ...columns(rows)];
}

function valueText(value: string | readonly string[]): string {
  return typeof value === 'string' ? value : value.join(', ');
}
