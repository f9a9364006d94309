import { LIMIT_OPTIONS } from './limit-options.ts';
import type { Option } from './option.ts';
import type { RegistryEntry } from './registries/entries.ts';
import { REPOSITORY_OPTIONS } from './repository-options.ts';
import { cronExpression, machineTimeZone, timeZone } from './schedule-types.ts';
import type { SourceEntry } from './sources/kind.ts';
import {
  boolean,
  choice,
  duration,
  path,
  paths,
  registryPatterns,
  string,
  type ValueType,
} from './value-types.ts';

export { variableOf } from './option.ts';
export { SERVICE_STATE_DIRECTORY } from './repository-options.ts';
export type { DefaultsContext, Environment, Option } from './option.ts';

export const DEFAULT_CONFIGURATION_FILE = '/etc/unpackd/unpackd.yaml';
/** Keys of the configuration file that are not options, because they have no single value. */
export const REGISTRIES_KEY = 'registries';
export const SOURCES_KEY = 'sources';

/** The table of options, by their names in {@link Configuration}, which have units. */
export const OPTIONS = {
  ...REPOSITORY_OPTIONS,
  ...LIMIT_OPTIONS,
  allowedRegistries: {
    key: 'allowed-registries',
    flag: '--allowed-registries <list>',
    type: registryPatterns,
    default: undefined,
    group: 'Registries',
    summary: 'registries that wishes may name; others are refused, and not contacted',
    unset: 'all',
    example: "[docker.io, ghcr.io, '*.example.org', quay.io/lab]",
  },
  dockerConfig: {
    key: 'docker-config',
    flag: '--docker-config <file>',
    type: path,
    default: undefined,
    group: 'Registries',
    summary: 'credentials file of "docker login" or "podman login"',
    unset: 'where these keep it, or $REGISTRY_AUTH_FILE',
    example: '/etc/unpackd/docker.json',
  },
  caCertificates: {
    key: 'ca-certificates',
    flag: '--ca-certificates <file>',
    type: path,
    default: undefined,
    group: 'Registries',
    summary: 'PEM file of certificate authorities to trust in addition',
    example: '/etc/unpackd/ca.pem',
  },
  publicOnly: {
    key: 'public-only',
    flag: '--public-only',
    type: boolean,
    default: 'false',
    group: 'Registries',
    summary: "connect to public addresses only, for strangers' wishes",
    details: 'Redirects and token services included.',
  },
  schedule: {
    key: 'schedule',
    flag: '--schedule <cron>',
    type: cronExpression,
    default: '*/5 * * * *',
    group: 'Daemon',
    summary: 'when to look at wishlists and registries: a cron expression',
    details: 'Fields: minute, hour, day, month, weekday; seconds come first if there are six.',
  },
  timeZone: {
    key: 'time-zone',
    flag: '--time-zone <zone>',
    type: timeZone,
    default: { text: "the machine's", compute: () => machineTimeZone() },
    group: 'Daemon',
    summary: 'time zone of the schedule, such as Europe/Zurich',
    example: 'Europe/Zurich',
  },
  jitterMs: {
    key: 'jitter',
    flag: '--jitter <duration>',
    type: duration(),
    default: '10s',
    group: 'Daemon',
    summary: 'random delay added to each scheduled run',
    details: 'It keeps sites from asking all at once.',
  },
  stopTimeoutMs: {
    key: 'stop-timeout',
    flag: '--stop-timeout <duration>',
    type: duration(),
    default: '4m',
    group: 'Daemon',
    summary: 'time a running publication gets to finish when the daemon is stopped',
  },
  cvmfsServer: {
    key: 'cvmfs-server',
    flag: '--cvmfs-server <command>',
    type: string,
    default: 'cvmfs_server',
    group: 'CernVM-FS server',
    summary: 'name or path of the cvmfs_server command',
  },
  cvmfsSpool: {
    key: 'cvmfs-spool',
    flag: '--cvmfs-spool <dir>',
    type: path,
    default: '/var/spool/cvmfs',
    group: 'CernVM-FS server',
    summary: "directory of the repositories' spools",
  },
  cvmfsConfiguration: {
    key: 'cvmfs-configuration',
    flag: '--cvmfs-configuration <dir>',
    type: path,
    default: '/etc/cvmfs',
    group: 'CernVM-FS server',
    summary: "directory of the server's configuration",
  },
  base: {
    key: 'base',
    flag: '--base <commit>',
    type: string,
    default: undefined,
    group: 'Checking',
    summary: 'report as errors only what is new since this commit or branch',
    details: 'Such as `origin/main`, in the git repository of the recipe.',
    notInFile: true,
  },
  baseFile: {
    key: 'base-file',
    flag: '--base-file <file>',
    type: path,
    default: undefined,
    group: 'Checking',
    summary: 'the same, with the earlier version of the recipe in a file',
    notInFile: true,
  },
  offline: {
    key: 'offline',
    flag: '--offline',
    type: boolean,
    default: 'false',
    group: 'Checking',
    summary: 'check only the recipe, and contact no registry',
  },
  format: {
    key: 'format',
    flag: '--format <format>',
    type: choice('text', 'json', 'github', 'markdown', 'junit'),
    default: 'text',
    group: 'Checking',
    summary: 'output format of findings; json with --json',
    details: '"github" prints annotations, "markdown" a comment, "junit" an XML report.',
  },
  report: {
    key: 'report',
    flag: '--report <files>',
    type: paths,
    default: undefined,
    group: 'Checking',
    summary: 'also write findings to these files, by extension: .md, .xml, .json',
    details: '`.md` is a comment, `.xml` a JUnit report, `.json` all of it.',
    notInFile: true,
  },
  configFile: {
    key: 'config',
    flag: '--config <file>',
    type: path,
    default: undefined,
    group: 'Input and output',
    summary: 'configuration file',
    unset: `${DEFAULT_CONFIGURATION_FILE} if it exists`,
    notInFile: true,
  },
  json: {
    key: 'json',
    flag: '--json',
    type: boolean,
    default: 'false',
    group: 'Input and output',
    summary: 'print results as one JSON document',
  },
  progress: {
    key: 'progress',
    flag: '--progress <kind>',
    type: choice('auto', 'bar', 'plain', 'none'),
    default: 'auto',
    group: 'Input and output',
    summary: 'progress on standard error',
    details: '"bar" is for terminals, "plain" prints lines, "none" leaves warnings and errors.',
  },
  logLevel: {
    key: 'log-level',
    flag: '--log-level <level>',
    type: choice('error', 'warning', 'info', 'debug'),
    default: 'info',
    group: 'Input and output',
    summary: 'minimum severity written to standard error',
    details: '"debug" adds a line for each request to a registry.',
  },
  notificationFile: {
    key: 'notification-file',
    flag: '-n, --notification-file <file>',
    type: path,
    default: undefined,
    group: 'Input and output',
    summary: 'append events to this file, one JSON object a line, as DUCC does',
    example: '/var/lib/unpackd/notifications.jsonl',
  },
} as const satisfies Readonly<Record<string, Option>>;

type Options = typeof OPTIONS;
type ValueOf<Type> = Type extends ValueType<infer Value> ? Value : never;

/** Names of options in files and messages. */
export type OptionKey = Options[keyof Options]['key'];

/** The settings of a run. Paths are absolute. */
export type Configuration = {
  readonly [Name in keyof Options]:
    ValueOf<Options[Name]['type']> | (Options[Name]['default'] extends undefined ? undefined : never);
} & {
  /** False if the backend is the default. */
  readonly isBackendChosen: boolean;
  /** Existing files of "docker login" and "podman login", in order of precedence. */
  readonly loginFiles: readonly string[];
  /** Entries of the file under {@link REGISTRIES_KEY}, without secrets, each host once. */
  readonly registries: readonly RegistryEntry[];
  /** Entries of the file under {@link SOURCES_KEY}, without secrets, each name once. */
  readonly sources: readonly SourceEntry[];
};
