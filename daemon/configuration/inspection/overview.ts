import { isDeepStrictEqual } from 'node:util';
import { counted } from '../../../core/text.ts';
import type { OptionValue, OptionValues } from '../option-values.ts';
import type { DuccRegistry } from '../registries/ducc.ts';
import { endpointText } from '../registries/endpoint.ts';
import type { RegistryEntry } from '../registries/entries.ts';
import { referenceText } from '../secret-reference.ts';
import { masked } from '../secrets.ts';
import { originText, type Origin } from '../settings.ts';
import type { Description, SourceEntry } from '../sources/kind.ts';
import { kindOfSource } from '../sources/kinds.ts';
import { formatValue } from '../value-types.ts';

/** The configuration in force, without secrets; also the document of `config show --json`. */
export interface Overview {
  /** The configuration file; `null` if there is none. */
  readonly file: string | null;
  readonly options: readonly ShownOption[];
  /** Files of "docker login" and "podman login" that are read. */
  readonly loginFiles: readonly string[];
  readonly registries: readonly ShownEntry[];
  /** From DUCC's variables. */
  readonly duccRegistries: readonly ShownEntry[];
  readonly sources: readonly ShownEntry[];
}

export function overviewText(overview: Overview): string {
  const { file, options, loginFiles, registries, duccRegistries, sources } = overview;
  const different = options.filter(({ isDefault }) => !isDefault);
  const lines = [
    `configuration file: ${file ?? 'none'}`,
    `${counted(different.length, 'option')} of ${options.length} not at the default, marked with *`,
    '',
    ...columns(options.map(optionCells)),
    '',
    `logins of docker and podman: ${loginFiles.length === 0 ? 'none' : loginFiles.join(', ')}`,
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

/** Longer cells do not widen their column. */
const WIDEST = 40;

/** Aligns the cells of `rows` in columns. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const count = rows.reduce((most, row) => Math.max(most, row.length), 0);
  const widths = Array.from({ length: count }, (_, index) => widthOf(rows.map((row) => row[index] ?? '')));
  return rows.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function widthOf(cells: readonly string[]): number {
  return cells.reduce((most, { length }) => (length <= WIDEST ? Math.max(most, length) : most), 0);
}

/** An option as shown: values as one would write them, without secrets; `null` for none. */
export interface ShownOption {
  readonly key: string;
  readonly value: string | null;
  readonly default: string | null;
  readonly isDefault: boolean;
  /** `null` if it was not set. */
  readonly origin: Origin | null;
  /** Settings of lower precedence, in order. */
  readonly overrides: readonly { readonly origin: Origin; readonly value: string }[];
}

export function shownOptions(options: OptionValues): ShownOption[] {
  return [...options.values()].map(shownOption);
}

function shownOption({ option, value, default: usual, given, isRestated }: OptionValue): ShownOption {
  const textOf = (one: unknown): string => masked(formatValue(option.type, one));
  const first = isRestated === true ? undefined : given[0];
  const others = given.filter((one) => one !== first);
  return {
    key: option.key,
    value: value === undefined ? null : textOf(value),
    default: usual === undefined ? null : textOf(usual),
    isDefault: isDeepStrictEqual(value, usual),
    origin: first?.origin ?? null,
    overrides: others.map(({ origin, value: said }) => ({ origin, value: textOf(said) })),
  };
}

/** The cells of an option's line: a mark if it is not at its default, key, value, origin, remarks. */
function optionCells({ key, value, default: usual, isDefault, origin, overrides }: ShownOption): string[] {
  const others = overrides.map((other) => `${masked(originText(other.origin))} (${other.value})`);
  const remarks = [
    ...(isDefault ? [] : [`default: ${usual ?? 'none'}`]),
    ...(others.length === 0 ? [] : [`overrides ${others.join(', ')}`]),
  ];
  const from = origin === null ? 'default' : masked(originText(origin));
  return [isDefault ? ' ' : '*', key, value ?? 'none', from, remarks.join('; ')];
}

/** A registry or source as shown, with the places of secrets in place of these. */
export interface ShownEntry {
  readonly name: string;
  readonly origin: string;
  /** As the configuration file has them; paths are absolute. */
  readonly settings: Readonly<Record<string, string | readonly string[]>>;
}

export function shownRegistry(entry: RegistryEntry): ShownEntry {
  const { host, login, proxy, mirrors, concurrency, allowHttp, authorities, clientCertificate } = entry;
  return shown(host, `${entry.file}:${entry.line}`, {
    username: referenceText(login?.user),
    password: referenceText(login?.password),
    proxy: proxy && endpointText(proxy),
    mirrors: mirrors.length === 0 ? undefined : mirrors.map(endpointText),
    concurrency: concurrency?.toString(),
    'allow-http': allowHttp?.toString(),
    'ca-certificates': authorities?.value,
    'client-certificate': clientCertificate?.certificate.value,
    'client-key': clientCertificate?.key.value,
  });
}

/** A registry of DUCC's variables; the origin of its credentials is the variable of the user. */
export function shownDuccRegistry([host, { credentials, proxy }]: readonly [
  string,
  DuccRegistry,
]): ShownEntry {
  return shown(host, 'DUCC_AUTH_REGISTRIES', {
    username: credentials && `env:${credentials.origin}`,
    password: credentials && `env:${credentials.origin.replace(/_USER$/, '_PASS')}`,
    proxy: proxy && endpointText(proxy),
  });
}

export function shownSource(entry: SourceEntry, file: string): ShownEntry {
  return shown(entry.name, `${file}:${entry.line}`, {
    ...kindOfSource(entry).describe(entry),
    repositories: entry.repositories,
    registries: entry.registries,
    subdirectory: entry.subdirectory,
    'allow-http': entry.allowHttp?.toString(),
    limit: entry.limit?.toString(),
  });
}

function shown(name: string, origin: string, settings: Description): ShownEntry {
  const entries = Object.entries(settings).flatMap(([key, value]) => {
    if (value === undefined) return [];
    return [[key, typeof value === 'string' ? masked(value) : value.map(masked)] as const];
  });
  return { name: masked(name), origin: masked(origin), settings: Object.fromEntries(entries) };
}
