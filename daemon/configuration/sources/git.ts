import { fileURLToPath } from 'node:url';
import {
  parseGitAddress,
  type GitAddress,
  type GitSettings,
} from '../../../wishlist/sources/git/settings.ts';
import { readLogin, type MappingReader } from '../mapping-reader.ts';
import { type Located, path, type ValueType } from '../value-types.ts';
import { referenceText, resolveLogin, type LoginReference } from '../secret-reference.ts';
import { type SourceKind } from './kind.ts';

type Key = 'git' | 'branch' | 'path' | 'username' | 'password' | 'key' | 'known-hosts' | 'ca-certificates';

interface GitEntry extends Pick<GitSettings, 'name' | 'branch' | 'paths'> {
  readonly address: Located<GitAddress>;
  readonly login: LoginReference | undefined;
  readonly key: Located<string> | undefined;
  readonly knownHosts: Located<string> | undefined;
  readonly authorities: Located<string> | undefined;
}

const DEFAULT_PATH = 'recipe.yaml';

/** Recipes in a git repository. */
export const gitKind: SourceKind<Key, GitEntry> = {
  keys: ['git', 'branch', 'path', 'username', 'password', 'key', 'known-hosts', 'ca-certificates'],
  placeholder: 'ADDRESS',
  isOperators: false,
  parse(reader) {
    const address = reader.scalar('git', gitAddress);
    const settings = {
      branch: reader.scalar('branch', branch)?.value,
      paths: readPaths(reader),
      login: readLogin(reader),
      key: reader.scalar('key', sshPath),
      knownHosts: reader.scalar('known-hosts', sshPath),
      authorities: reader.scalar('ca-certificates', path),
    };
    if (address === undefined) return undefined;
    reportMisplaced(reader, address.value);
    return { name: address.value.label, address, ...settings };
  },
  describe: ({ address, branch: branchName, paths, login, key, knownHosts, authorities }) => ({
    git: address.value.url,
    branch: branchName,
    path: paths,
    username: referenceText(login?.user),
    password: referenceText(login?.password),
    key: key?.value,
    'known-hosts': knownHosts?.value,
    'ca-certificates': authorities?.value,
  }),
  needs: ({ address, login, key, knownHosts, authorities }) => ({
    program: { origin: address.origin, value: 'git' },
    place: localPath(address),
    secret: login?.password,
    plainHost: address.value.protocol === 'http' ? new URL(address.value.url).host : undefined,
    authorities,
    sshKey: key,
    knownHosts,
  }),
  async open({ name, address, paths, login, ...entry }, { file, environment, problems }) {
    const { gitSource } = await import('../../../wishlist/sources/git/fetch.ts');
    return gitSource({
      name,
      address: address.value,
      branch: entry.branch,
      paths,
      login: await resolveLogin({ login, file }, environment, problems),
      key: entry.key?.value,
      knownHosts: entry.knownHosts?.value,
      authorities: entry.authorities?.value,
    });
  },
};

function readPaths(reader: MappingReader<Key>): readonly string[] {
  const paths = reader.listOrScalar('path', recipePath);
  if (paths === undefined || paths.length === 0) return [DEFAULT_PATH];
  return [...new Set(paths)];
}

/** Reports settings without effect for this kind of address: they would give a false sense of safety. */
function reportMisplaced(reader: MappingReader<Key>, { protocol }: GitAddress): void {
  if (protocol !== 'https' && protocol !== 'http') {
    for (const key of ['username', 'ca-certificates'] as const)
      reader.report(key, 'is for HTTP alone; remove it');
  }
  if (protocol !== 'ssh') {
    for (const key of ['key', 'known-hosts'] as const) reader.report(key, 'is for SSH alone; remove it');
  }
}

function localPath({ origin, value: { protocol, url } }: Located<GitAddress>): Located<string> | undefined {
  if (protocol !== 'file') return undefined;
  return { origin, value: url.startsWith('file:') ? fileURLToPath(url) : url };
}

/** The address of a git repository; what cannot be one of a server is a path. */
const gitAddress: ValueType<GitAddress> = {
  expected:
    'https://HOST/PATH, ssh://HOST/PATH, USER@HOST:PATH or a path; user name and password have keys of their own',
  parse: (text, place) => {
    const address = parseGitAddress(text);
    if (address !== undefined || /[:@]/.test(text)) return address;
    const file = path.parse(text, place);
    return file === undefined ? undefined : parseGitAddress(file);
  },
};

/** @see git-check-ref-format(1) */
const branch: ValueType<string> = {
  expected: "a branch's name, such as main, without refs/heads/",
  parse: (text) => {
    const isName =
      /^[^\p{Cc} ~^:?*[\\]+$/u.test(text) &&
      !/^-|^refs\/|\.\.|@\{|\/\/|^\/|\/$|\.$|(?:^|\/)\.|\.lock(?:\/|$)/.test(text);
    return isName ? text : undefined;
  },
};

/** A path within a repository. */
const recipePath: ValueType<string> = {
  expected: 'a path from the root of the repository, such as lists/recipe.yaml, without ..',
  parse: (text) => {
    const parts = text.split('/');
    const isPath = !/\p{Cc}/u.test(text) && !parts.some((part) => ['', '.', '..'].includes(part));
    return isPath ? text : undefined;
  },
};

/** A path that means itself in ssh's options. @see ssh_config(5), "TOKENS" */
const sshPath: ValueType<string> = {
  expected: 'a path without " \\ $ and %',
  parse: (text, place) => {
    const file = path.parse(text, place);
    return file === undefined || /["\\$%\p{Cc}]/u.test(file) ? undefined : file;
  },
};
