import type { Endpoint } from '../../../publisher/registry/endpoint.ts';
import type { DuccRegistry } from '../registries/ducc.ts';
import type { RegistryEntry } from '../registries/entries.ts';
import { type Description, type SourceEntry } from '../sources/kind.ts';
import { referenceText } from '../secret-reference.ts';
import { kindOf } from '../sources/kinds.ts';
import { masked } from '../secrets.ts';

/** What is said of one registry or source: where secrets come from, and none of them. */
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
    proxy: proxy && placeText(proxy),
    mirrors: mirrors.length === 0 ? undefined : mirrors.map(placeText),
    concurrency: concurrency?.toString(),
    'allow-http': allowHttp?.toString(),
    'ca-certificates': authorities?.value,
    'client-certificate': clientCertificate?.certificate.value,
    'client-key': clientCertificate?.key.value,
  });
}

/** A registry of DUCC's variables: `credentials` names the variable of the user, beside which is that of the password. */
export function shownDuccRegistry([host, { credentials, proxy }]: readonly [
  string,
  DuccRegistry,
]): ShownEntry {
  return shown(host, 'DUCC_AUTH_REGISTRIES', {
    username: credentials && `env:${credentials.origin}`,
    password: credentials && `env:${credentials.origin.replace(/_USER$/, '_PASS')}`,
    proxy: proxy && placeText(proxy),
  });
}

export function shownSource(entry: SourceEntry, file: string): ShownEntry {
  return shown(entry.name, `${file}:${entry.line}`, {
    ...kindOf(entry).describe(entry),
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

function placeText({ scheme, host, prefix }: Endpoint): string {
  const path = prefix === '' ? host : `${host}/${prefix}`;
  return scheme === 'http' ? `http://${path}` : path;
}
