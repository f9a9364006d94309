import { quoted } from '../../core/text.ts';
import { withoutSecrets } from '../../core/secrets.ts';
import type { FileEntry } from './configuration-file.ts';
import { MappingReader, type EntriesPlace } from './mapping-reader.ts';
import { boolean, integer, path as pathType } from './value-types.ts';
import type { RegistryEntry } from './registry-entry.ts';
import { place, registryHost } from './registry-place.ts';
import { passwordSource, userSource } from './registry-source.ts';

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

/** The registries of the configuration file, each host once; what is wrong goes to `problems`. */
export function readEntries(
  { line, value }: FileEntry,
  where: EntriesPlace,
  problems: string[],
): RegistryEntry[] {
  if (value.kind === 'nothing') return [];
  if (value.kind !== 'mapping') {
    problems.push(`${where.file}:${line}: registries: expected a mapping from hosts to their settings`);
    return [];
  }
  const lines = new Map<string, number>();
  return value.entries.flatMap((entry) => {
    const origin = `${where.file}:${entry.line}: registries`;
    const host = registryHost(entry.key);
    if (host === undefined) {
      const shown = quoted(withoutSecrets(entry.key));
      problems.push(
        `${origin}: ${shown} is no registry's host; write it as in a wish, without https:// and path`,
      );
      return [];
    }
    const earlier = lines.get(host);
    if (earlier !== undefined) {
      problems.push(`${origin}: ${host} stands already on line ${earlier}; write all of it there`);
      return [];
    }
    lines.set(host, entry.line);
    return readEntry(host, entry, { where, problems });
  });
}

function readEntry(
  host: string,
  { line, value }: FileEntry,
  from: { readonly where: EntriesPlace; readonly problems: string[] },
): RegistryEntry[] {
  const { where, problems } = from;
  const path = `registries: ${host}`;
  if (value.kind !== 'mapping' && value.kind !== 'nothing') {
    problems.push(`${where.file}:${line}: ${path}: expected settings such as "username: NAME" below it`);
    return [];
  }
  const entries = value.kind === 'mapping' ? value.entries : [];
  const reader = new MappingReader({ path, keys: KEYS }, entries, from);
  return [
    {
      host,
      file: where.file,
      line,
      login: reader.both(
        ['username', reader.secret('username', userSource)],
        ['password', reader.secret('password', passwordSource)],
        (user, password) => ({ user, password }),
      ),
      proxy: reader.scalar('proxy', place)?.value,
      mirrors: reader.listOrScalar('mirrors', place) ?? [],
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
