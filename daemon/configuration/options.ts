import { LIMIT_OPTIONS } from './limit-options.ts';
import type { OptionGroups } from './option.ts';
import type { RegistryEntry } from './registries/entries.ts';
import { REPOSITORY_OPTIONS } from './repository-options.ts';
import { cronExpression, cronOrNever, timeZone } from './schedule-types.ts';
import type { SourceEntry } from './sources/kind.ts';
import {
  boolean,
  choice,
  days,
  directory,
  duration,
  integer,
  path,
  paths,
  registryPatterns,
  size,
  string,
  type ValueType,
} from './value-types.ts';

export { argumentOf, flagsOf, synopsisOf, variableOf } from './option.ts';
export { SERVICE_STATE_DIRECTORY } from './repository-options.ts';
export type { DefaultsContext, Environment, Option } from './option.ts';

const DAY_MS = 86_400_000;

export const DEFAULT_CONFIGURATION_FILE = '/etc/unpackd/unpackd.yaml';
/** Keys of the configuration file that are not options, because they have no single value. */
export const REGISTRIES_KEY = 'registries';
export const SOURCES_KEY = 'sources';

/** The options by heading and by their names in {@link Configuration}, which have units. */
export const OPTION_GROUPS = {
  ...REPOSITORY_OPTIONS,
  ...LIMIT_OPTIONS,
  Registries: {
    registryRequests: {
      key: 'registry-requests',
      type: integer(1, 64),
      default: '8',
      summary: 'maximum concurrent requests to one registry',
    },
    downloads: {
      key: 'downloads',
      type: integer(1, 64),
      default: '4',
      summary: 'maximum concurrent layer downloads from one registry',
      details: 'Half as many more run from others.',
    },
    downloadRateBytes: {
      key: 'download-rate',
      type: size,
      default: '256KiB',
      summary: 'minimum bytes per second of a download, averaged after ten minutes',
      details: 'A slower one fails.',
    },
    tagListTimeoutMs: {
      key: 'tag-list-timeout',
      type: duration(1000),
      default: '10m',
      summary: 'maximum time to list all tags of a repository',
    },
    manifestTimeoutMs: {
      key: 'manifest-timeout',
      type: duration(1000),
      default: '5m',
      summary: 'maximum time to fetch the manifests and configs of one image',
    },
    allowedRegistries: {
      key: 'allowed-registries',
      type: registryPatterns,
      summary: 'registries that wishes may name; others are refused, and not contacted',
      unset: 'all',
      example: "[docker.io, ghcr.io, '*.example.org', quay.io/lab]",
    },
    dockerConfig: {
      key: 'docker-config',
      type: path,
      summary: 'credentials file of "docker login" or "podman login"',
      unset: 'where these keep it, or $REGISTRY_AUTH_FILE',
      example: '/etc/unpackd/docker.json',
    },
    caCertificates: {
      key: 'ca-certificates',
      type: path,
      summary: 'PEM file of certificate authorities to trust in addition',
      example: '/etc/unpackd/ca.pem',
    },
    publicOnly: {
      key: 'public-only',
      type: boolean,
      default: 'false',
      summary: "connect to public addresses only, for strangers' wishes",
      details: 'Redirects and token services included.',
    },
  },
  Daemon: {
    schedule: {
      key: 'schedule',
      type: cronExpression,
      default: '*/5 * * * *',
      summary: 'when to look at wishlists and registries: a cron expression',
      details: 'Fields: minute, hour, day, month, weekday; seconds come first if there are six.',
    },
    timeZone: {
      key: 'time-zone',
      type: timeZone,
      // The daemon alone asks Node for it, which takes 20 ms.
      summary: 'time zone of the schedule, such as Europe/Zurich',
      unset: "the machine's",
      example: 'Europe/Zurich',
    },
    jitterMs: {
      key: 'jitter',
      type: duration(),
      default: '10s',
      summary: 'random delay added to each scheduled run',
      details: 'It keeps sites from asking all at once.',
    },
    gcSchedule: {
      key: 'gc-schedule',
      type: cronOrNever,
      default: '15 1 * * *',
      summary: 'when to collect what nothing refers to: a cron expression, or never',
    },
    stopTimeoutMs: {
      key: 'stop-timeout',
      type: duration(),
      default: '4m',
      summary: 'time a running publication gets to finish when the daemon is stopped',
    },
    verifySchedule: {
      key: 'verify-schedule',
      type: cronOrNever,
      default: '30 2 * * *',
      summary: 'when to verify a part of what is published: a cron expression, or never',
    },
    verifyPeriodMs: {
      key: 'verify-period',
      type: duration(DAY_MS, 366 * DAY_MS),
      default: '30d',
      summary: 'time within which each published image is verified once',
      details:
        'Each run verifies as many images as that takes, those first that were not verified for longest.',
    },
    verifyRepair: {
      key: 'verify-repair',
      type: boolean,
      default: 'false',
      summary: 'repair what scheduled verifications find',
    },
  },
  Collection: {
    gracePeriodMs: {
      key: 'grace-period',
      type: days,
      default: '30d',
      summary: 'how long trees stay that nothing refers to any more',
      details: 'Clients may still use them. A number without a unit is days, as in DUCC.',
    },
    serverGc: {
      key: 'server-gc',
      type: boolean,
      default: 'true',
      summary: 'run "cvmfs_server gc" after a collection',
      details: 'Only where `CVMFS_GARBAGE_COLLECTION=true` is in the `server.conf` of the repository.',
    },
  },
  'CernVM-FS server': {
    cvmfsServer: {
      key: 'cvmfs-server',
      type: string,
      default: 'cvmfs_server',
      summary: 'name or path of the cvmfs_server command',
    },
    cvmfsSpool: {
      key: 'cvmfs-spool',
      type: directory,
      default: '/var/spool/cvmfs',
      summary: "directory of the repositories' spools",
    },
    cvmfsConfiguration: {
      key: 'cvmfs-configuration',
      type: directory,
      default: '/etc/cvmfs',
      summary: "directory of the server's configuration",
    },
  },
  Removing: {
    repository: {
      key: 'repository',
      type: string,
      argument: 'repository',
      summary: 'the repository that is meant',
      unset: 'all that the state knows',
      notInFile: true,
    },
    held: {
      key: 'held',
      type: string,
      argument: 'repository',
      summary: 'let the images of this repository go whose removal is held back now',
      notInFile: true,
    },
  },
  Verifying: {
    deep: {
      key: 'deep',
      type: boolean,
      default: 'false',
      summary: 'also read the contents of all files and compare them',
      details: 'Layers that are not in the spool are fetched again.',
      notInFile: true,
    },
    repair: {
      key: 'repair',
      type: boolean,
      default: 'false',
      summary: 'publish again what is damaged, and only that',
      notInFile: true,
    },
  },
  Checking: {
    dryRun: {
      key: 'dry-run',
      type: boolean,
      default: 'false',
      summary: 'say what would be done, and change nothing',
      notInFile: true,
    },
    base: {
      key: 'base',
      type: string,
      argument: 'commit',
      summary: 'report as errors only what is new since this commit or branch',
      details: 'Such as `origin/main`, in the git repository of the recipe.',
      notInFile: true,
    },
    baseFile: {
      key: 'base-file',
      type: path,
      summary: 'the same, with the earlier version of the recipe in a file',
      notInFile: true,
    },
    offline: {
      key: 'offline',
      type: boolean,
      default: 'false',
      summary: 'check only the recipe, and contact no registry',
    },
    format: {
      key: 'format',
      type: choice('text', 'json', 'github', 'markdown', 'junit'),
      argument: 'format',
      default: 'text',
      summary: 'output format of findings; json with --json',
      details: '"github" prints annotations, "markdown" a comment, "junit" an XML report.',
    },
    report: {
      key: 'report',
      type: paths,
      summary: 'also write findings to these files, by extension: .md, .xml, .json',
      details: '`.md` is a comment, `.xml` a JUnit report, `.json` all of it.',
      notInFile: true,
    },
  },
  'Input and output': {
    configFile: {
      key: 'config',
      type: path,
      summary: 'configuration file',
      unset: `${DEFAULT_CONFIGURATION_FILE} if it exists`,
      notInFile: true,
    },
    json: {
      key: 'json',
      type: boolean,
      default: 'false',
      summary: 'print results as one JSON document',
    },
    progress: {
      key: 'progress',
      type: choice('auto', 'bar', 'plain', 'none'),
      default: 'auto',
      summary: 'progress on standard error',
      details: '"bar" is for terminals, "plain" prints lines, "none" leaves warnings and errors.',
    },
    logLevel: {
      key: 'log-level',
      type: choice('error', 'warning', 'info', 'debug'),
      argument: 'level',
      default: 'info',
      summary: 'minimum severity written to standard error',
      details: '"debug" adds a line for each request to a registry.',
    },
    notificationFile: {
      key: 'notification-file',
      short: 'n',
      type: path,
      summary: 'append events to this file, one JSON object a line, as DUCC does',
      example: '/var/lib/unpackd/notifications.jsonl',
    },
  },
} as const satisfies OptionGroups;

/** The table of options. */
export const OPTIONS = {
  ...OPTION_GROUPS.Repository,
  ...OPTION_GROUPS.Publishing,
  ...OPTION_GROUPS.Batches,
  ...OPTION_GROUPS['Image limits'],
  ...OPTION_GROUPS['Wishlist limits'],
  ...OPTION_GROUPS.Registries,
  ...OPTION_GROUPS.Daemon,
  ...OPTION_GROUPS.Collection,
  ...OPTION_GROUPS['CernVM-FS server'],
  ...OPTION_GROUPS.Removing,
  ...OPTION_GROUPS.Verifying,
  ...OPTION_GROUPS.Checking,
  ...OPTION_GROUPS['Input and output'],
};

/** Headings of the documents and the example file. */
export type OptionGroup = keyof typeof OPTION_GROUPS;

type Options = typeof OPTIONS;
type ValueOf<Type> = Type extends ValueType<infer Value> ? Value : never;

/** Names of options in files and messages. */
export type OptionKey = Options[keyof Options]['key'];

/** The settings of a run. Paths are absolute. */
export type Configuration = {
  readonly [Name in keyof Options]:
    | ValueOf<Options[Name]['type']>
    | (Options[Name] extends { readonly default: unknown } ? never : undefined);
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
