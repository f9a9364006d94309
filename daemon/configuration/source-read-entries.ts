import { quoted } from '../../core/text.ts';
import type { GitAddress } from '../../wishlist/sources/git/address.ts';
import type { FileEntry, FileValue } from './configuration-file.ts';
import { MappingReader, type EntriesPlace } from './mapping-reader.ts';
import { passwordSource, userSource } from './registry-source.ts';
import { boolean, integer, path, registryPattern, repositoryName } from './value-types.ts';
import type {
  ConfinementEntry,
  FileEntry as FileSourceEntry,
  GitEntry,
  SourceEntry,
  UrlEntry,
} from './source-entry.ts';
import {
  branch,
  gitAddress,
  recipePath,
  sourceName,
  sshPath,
  subdirectory,
  webAddress,
} from './source-value-types.ts';

const CONFINEMENT = ['repositories', 'registries', 'subdirectory', 'allow-http', 'limit'] as const;
const LOGIN = ['username', 'password'] as const;
const KEYS = {
  git: ['git', 'branch', 'path', ...LOGIN, 'key', 'known-hosts', 'ca-certificates', 'name', ...CONFINEMENT],
  file: ['file', 'name', ...CONFINEMENT],
  url: ['url', ...LOGIN, 'ca-certificates', 'name', ...CONFINEMENT],
} as const;
type Kind = keyof typeof KEYS;

const KINDS: readonly Kind[] = ['git', 'file', 'url'];
const EXPECTED = 'expected a list, each with one of git: ADDRESS, file: PATH and url: ADDRESS';
const DEFAULT_PATH = 'recipe.yaml';

/** The sources of the configuration file, each name once; what is wrong goes to `problems`. */
export function readSourceEntries(
  { line, value }: FileEntry,
  where: EntriesPlace,
  problems: string[],
): SourceEntry[] {
  if (value.kind === 'nothing') return [];
  if (value.kind !== 'list') {
    problems.push(`${where.file}:${line}: sources: ${EXPECTED}`);
    return [];
  }
  const lines = new Map<string, number>();
  return value.items.flatMap((item) => {
    const source = readSource(item, where, problems);
    if (source === undefined) return [];
    const earlier = lines.get(source.name);
    if (earlier === undefined) {
      lines.set(source.name, item.line);
      return [{ ...source, line: item.line }];
    }
    const shown = quoted(source.name);
    problems.push(
      `${where.file}:${item.line}: sources: ${shown} is the name of the source on line ${earlier} too; give one of them another with name:`,
    );
    return [];
  });
}

function readSource(
  item: FileValue,
  where: EntriesPlace,
  problems: string[],
): Confined<GitEntry> | Confined<FileSourceEntry> | Confined<UrlEntry> | undefined {
  const entries = item.kind === 'mapping' ? item.entries : [];
  const [kind, second] = KINDS.filter((one) => entries.some(({ key }) => key === one));
  if (kind === undefined || second !== undefined) {
    problems.push(`${where.file}:${item.line}: sources: ${EXPECTED}`);
    return undefined;
  }
  const from = { where, problems };
  const subject = { path: 'sources', secret: [passwordSource] };
  switch (kind) {
    case 'git':
      return readGit(new MappingReader({ ...subject, keys: KEYS.git }, entries, from), where);
    case 'file':
      return readFile(new MappingReader({ ...subject, keys: KEYS.file }, entries, from));
    case 'url':
      return readUrl(new MappingReader({ ...subject, keys: KEYS.url }, entries, from), where);
  }
}

type Confined<Entry> = Entry & ConfinementEntry;

const LIMIT = integer(1, 1_000_000);

function readConfinement(
  reader: Pick<MappingReader<(typeof CONFINEMENT)[number]>, 'scalar' | 'listOrScalar'>,
): ConfinementEntry {
  return {
    repositories: reader.listOrScalar('repositories', repositoryName),
    registries: reader.listOrScalar('registries', registryPattern),
    subdirectory: reader.scalar('subdirectory', subdirectory)?.value,
    allowHttp: reader.scalar('allow-http', boolean)?.value,
    limit: reader.scalar('limit', LIMIT)?.value,
  };
}

type GitReader = MappingReader<(typeof KEYS.git)[number]>;

function readGit(reader: GitReader, { secrets }: EntriesPlace): Confined<GitEntry> | undefined {
  const address = reader.scalar('git', gitAddress);
  const settings = {
    branch: reader.scalar('branch', branch)?.value,
    paths: readPaths(reader),
    login: reader.both(
      ['username', reader.scalar('username', userSource, secrets)],
      ['password', reader.scalar('password', passwordSource, secrets)],
      (user, password) => ({ user, password }),
    ),
    key: reader.scalar('key', sshPath),
    knownHosts: reader.scalar('known-hosts', sshPath),
    authorities: reader.scalar('ca-certificates', path),
  };
  const name = reader.scalar('name', sourceName)?.value;
  const confinement = readConfinement(reader);
  if (address === undefined) return undefined;
  reportMisplaced(reader, address.value);
  return { kind: 'git', name: name ?? address.value.label, address, ...settings, ...confinement };
}

function readPaths(reader: GitReader): readonly string[] {
  const paths = reader.listOrScalar('path', recipePath);
  if (paths === undefined || paths.length === 0) return [DEFAULT_PATH];
  return [...new Set(paths)];
}

/** What has no effect with this kind of address would give a false sense of safety. */
function reportMisplaced(reader: GitReader, { protocol }: GitAddress): void {
  if (protocol !== 'https' && protocol !== 'http') {
    for (const key of ['username', 'ca-certificates'] as const)
      reader.report(key, 'is for HTTP alone; remove it');
  }
  if (protocol !== 'ssh') {
    for (const key of ['key', 'known-hosts'] as const) reader.report(key, 'is for SSH alone; remove it');
  }
}

function readFile(reader: MappingReader<(typeof KEYS.file)[number]>): Confined<FileSourceEntry> | undefined {
  const file = reader.scalar('file', path);
  const name = reader.scalar('name', sourceName)?.value;
  const confinement = readConfinement(reader);
  return file && { kind: 'file', name: name ?? file.value, path: file, ...confinement };
}

function readUrl(
  reader: MappingReader<(typeof KEYS.url)[number]>,
  { secrets }: EntriesPlace,
): Confined<UrlEntry> | undefined {
  const url = reader.scalar('url', webAddress)?.value;
  const name = reader.scalar('name', sourceName)?.value;
  const user = reader.scalar('username', userSource, secrets);
  const password = reader.scalar('password', passwordSource, secrets);
  if (!reader.has('password'))
    reader.report('username', 'password is missing; give both, or a token as the password');
  const authorities = reader.scalar('ca-certificates', path);
  const confinement = readConfinement(reader);
  if (url === undefined) return undefined;
  const { host, pathname } = new URL(url);
  const login = password === undefined ? undefined : { user, password };
  return { kind: 'url', name: name ?? `${host}${pathname}`, url, login, authorities, ...confinement };
}
