import type { Endpoint } from '../../../publisher/registry/endpoint.ts';
import { withoutSecrets } from '../../../core/secrets.ts';
import { quoted } from '../../../core/text.ts';
import type { ConfigurationEntry } from '../configuration-file.ts';
import { MappingReader, readLogin, type EntryContext } from '../mapping-reader.ts';
import type { LoginReference } from '../secret-reference.ts';
import { boolean, integer, path as pathType, type Located } from '../value-types.ts';
import { endpoint, registryHost } from './endpoint.ts';

/** The settings of one registry in the configuration file. Their form is checked; files and variables are not read yet. */
export interface RegistryEntry {
  /** As wishes write it, such as `docker.io` or `localhost:5000`. */
  readonly host: string;
  /** The configuration file. */
  readonly file: string;
  /** Of the host in it, from 1. */
  readonly line: number;
  readonly login: LoginReference | undefined;
  readonly proxy: Endpoint | undefined;
  readonly mirrors: readonly Endpoint[];
  readonly concurrency: number | undefined;
  /** Lets wishes and credentials go to it over plain HTTP. */
  readonly allowHttp: boolean | undefined;
  /** Path of a PEM file. */
  readonly authorities: Located<string> | undefined;
  /** Paths of PEM files. */
  readonly clientCertificate:
    { readonly certificate: Located<string>; readonly key: Located<string> } | undefined;
}

const KEYS = [
  'username',
  'password',
  'proxy',
  'mirrors',
  'concurrency',
  'allow-http',
  'ca-certificates',
  'client-certificate',
  'client-key',
] as const;

const CONCURRENCY = integer(1, 64);

/** Reads the registries of the configuration file, each host once; problems go to the context. */
export function readRegistryEntries(
  { line, value }: ConfigurationEntry,
  context: EntryContext,
): RegistryEntry[] {
  if (value.kind === 'nothing') return [];
  if (value.kind !== 'mapping') {
    context.problems.push(
      `${context.file}:${line}: registries: expected a mapping from hosts to their settings`,
    );
    return [];
  }
  const lines = new Map<string, number>();
  return value.entries.flatMap((entry) => {
    const origin = `${context.file}:${entry.line}: registries`;
    const host = registryHost(entry.key);
    if (host === undefined) {
      const shown = quoted(withoutSecrets(entry.key));
      context.problems.push(
        `${origin}: ${shown} is not a valid registry host; write it as in a wish, without https:// and path`,
      );
      return [];
    }
    const earlier = lines.get(host);
    if (earlier !== undefined) {
      context.problems.push(`${origin}: ${host} is already on line ${earlier}; put all its settings there`);
      return [];
    }
    lines.set(host, entry.line);
    return readEntry(host, entry, context);
  });
}

function readEntry(
  host: string,
  { line, value }: ConfigurationEntry,
  context: EntryContext,
): RegistryEntry[] {
  const { file, problems } = context;
  const path = `registries: ${host}`;
  if (value.kind !== 'mapping' && value.kind !== 'nothing') {
    problems.push(`${file}:${line}: ${path}: expected settings such as "username: NAME" below it`);
    return [];
  }
  const reader = new MappingReader(
    { path, keys: KEYS },
    value.kind === 'mapping' ? value.entries : [],
    context,
  );
  return [
    {
      host,
      file,
      line,
      login: readLogin(reader),
      proxy: reader.scalar('proxy', endpoint)?.value,
      mirrors: reader.listOrScalar('mirrors', endpoint) ?? [],
      concurrency: reader.scalar('concurrency', CONCURRENCY)?.value,
      allowHttp: reader.scalar('allow-http', boolean)?.value,
      authorities: reader.scalar('ca-certificates', pathType),
      clientCertificate: reader.both(
        ['client-certificate', reader.scalar('client-certificate', pathType)],
        ['client-key', reader.scalar('client-key', pathType)],
        (certificate, key) => ({ certificate, key }),
      ),
    },
  ];
}
