import { curlVariables } from '../../../core/http/proxies.ts';
import type { SourceLimits } from '../source.ts';
import type { GitSettings } from './settings.ts';

type Setting = readonly [key: string, value: string];

/** The only variables that a fetching git and its children inherit. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'ALL_PROXY', 'all_proxy'];

/** A shell function: what it prints comes from the environment, so that it stands in no argument and in no file. */
const CREDENTIAL_HELPER = `!f() { test "$1" = get && printf 'username=%s\\npassword=%s\\n' "$UNPACKD_SOURCE_USER" "$UNPACKD_SOURCE_PASSWORD"; }; f`;

/** Over what is configured in the repository. */
const SETTINGS: readonly Setting[] = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.attributesFile', '/dev/null'],
  ['core.pager', 'cat'],
  ['log.showSignature', 'false'],
  ['submodule.recurse', 'false'],
  ['fetch.recurseSubmodules', 'false'],
  ['safe.bareRepository', 'explicit'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  // Little memory: larger blobs are streamed, and packs are looked at in pieces.
  ['core.bigFileThreshold', '16m'],
  ['core.deltaBaseCacheLimit', '32m'],
  ['core.packedGitWindowSize', '16m'],
  ['core.packedGitLimit', '128m'],
  ['pack.threads', '1'],
];

/**
 * The environment for git in the bare repository `directory`: without prompts, hooks, submodules and anybody's
 * configuration, and with the protocol of the source alone.
 *
 * @see git(1), "ENVIRONMENT VARIABLES", and git-config(1)
 * @throws Failure `configuration-invalid` for a variable that names a proxy and cannot be read
 */
export function fetchingEnvironment(
  source: GitSettings,
  directory: string,
  environment: SourceLimits['environment'],
): Record<string, string> {
  const { protocol, url } = source.address;
  const isOverHttp = protocol === 'https' || protocol === 'http';
  return {
    ...inherited(environment, INHERITED),
    ...(isOverHttp && curlVariables(new URL(url), environment)),
    ...alone(directory, settingsOf(source)),
    // A server may lead from plain HTTP to HTTPS, never back.
    GIT_ALLOW_PROTOCOL: protocol === 'http' ? 'http:https' : protocol,
    GIT_SSH_COMMAND: sshCommand(source),
    ...(source.login && {
      UNPACKD_SOURCE_USER: source.login.user,
      UNPACKD_SOURCE_PASSWORD: source.login.password,
    }),
  };
}

/**
 * The environment for git that only reads in the repository `gitDirectory`. Its configuration is somebody else's, so
 * that all of it that could start a program is off: no protocol is allowed, not even for objects that are missing, and
 * there is no program for SSH, passwords or attributes.
 */
export function readingEnvironment(
  gitDirectory: string,
  environment: SourceLimits['environment'],
): Record<string, string> {
  return {
    ...inherited(environment, ['PATH']),
    ...alone(gitDirectory, [['credential.helper', '']]),
    GIT_ALLOW_PROTOCOL: '',
    GIT_SSH_COMMAND: 'false',
  };
}

/** Variables for both cases. The directory is named, so that git does not search for one. */
function alone(directory: string, settings: readonly Setting[]): Record<string, string> {
  return {
    LC_ALL: 'C',
    GIT_DIR: directory,
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: 'false',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_LITERAL_PATHSPECS: '1',
    GIT_NO_LAZY_FETCH: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_SSH_VARIANT: 'ssh',
    ...configuration([...SETTINGS, ...settings]),
  };
}

function inherited(
  environment: SourceLimits['environment'],
  names: readonly string[],
): Record<string, string> {
  const pairs = names.flatMap((name) => {
    const value = environment[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(pairs);
}

function settingsOf({ address, login, authorities }: GitSettings): Setting[] {
  const settings: Setting[] = [
    // Always packs, so that their number shows how much has piled up.
    ['fetch.unpackLimit', '1'],
    ['http.lowSpeedLimit', '1000'],
    ['http.lowSpeedTime', '60'],
  ];
  if (authorities !== undefined) settings.push(['http.sslCAInfo', authorities]);
  // Only for this scheme, host and port: a redirection to another server gets no credentials.
  if (login !== undefined) {
    settings.push([`credential.${new URL(address.url).origin}.helper`, CREDENTIAL_HELPER]);
  }
  return settings;
}

function configuration(settings: readonly (readonly [string, string])[]): Record<string, string> {
  const pairs = settings.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key] as const,
    [`GIT_CONFIG_VALUE_${index}`, value] as const,
  ]);
  return { GIT_CONFIG_COUNT: String(settings.length), ...Object.fromEntries(pairs) };
}

/**
 * Host keys are always checked. Those that are believed at first sight are kept beside the clone, so that a new clone
 * does not forget them. Git starts the command in the repository, with a shell.
 */
function sshCommand({ key, knownHosts }: GitSettings): string {
  const options = [
    'BatchMode=yes',
    'PreferredAuthentications=publickey',
    'ConnectTimeout=30',
    'ServerAliveInterval=15',
    'ServerAliveCountMax=3',
    'UpdateHostKeys=no',
    ...(knownHosts === undefined
      ? ['StrictHostKeyChecking=accept-new', 'UserKnownHostsFile=../known_hosts']
      : [
          'StrictHostKeyChecking=yes',
          `UserKnownHostsFile="${knownHosts}"`,
          'GlobalKnownHostsFile=/dev/null',
        ]),
    ...(key === undefined ? [] : ['IdentitiesOnly=yes', 'IdentityAgent=none', `IdentityFile="${key}"`]),
  ];
  const words = options.map((option) => `-o ${shellWord(option)}`);
  return ['ssh', '-F', '/dev/null', ...words].join(' ');
}

function shellWord(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
