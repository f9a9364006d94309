import { isAbsolute, join } from 'node:path';
import { LIMIT_OPTIONS } from './limit-options.ts';
import type { DefaultsContext, Option } from './option.ts';
import type { RegistryEntry } from './registry-entry.ts';
import { cronExpression, machineTimeZone, timeZone } from './schedule-types.ts';
import type { SourceEntry } from './source-entry.ts';
import {
  boolean,
  choice,
  duration,
  path,
  paths,
  platforms,
  registryPatterns,
  repositoryNames,
  string,
  type ValueType,
} from './value-types.ts';

export { variableOf } from './option.ts';
export type { DefaultsContext, Environment, Option } from './option.ts';

export const DEFAULT_CONFIGURATION_FILE = '/etc/unpackd/unpackd.yaml';
/** Belongs to the user that the service runs as (StateDirectory= in systemd/unpackd.service). */
export const SERVICE_STATE_DIRECTORY = '/var/lib/unpackd';

/** The keys of the configuration file that have no single value, so that they are no options. */
export const REGISTRIES_KEY = 'registries';
export const SOURCES_KEY = 'sources';

/** All options. The property is the name in {@link Configuration}, with its unit. */
export const OPTIONS = {
  backend: {
    key: 'backend',
    flag: '--backend <kind>',
    type: choice('directory', 'cvmfs'),
    default: 'directory',
    group: 'Repository:',
    description:
      'how a repository is written: "directory" makes a plain directory tree, "cvmfs" publishes with cvmfs_server',
  },
  root: {
    key: 'root',
    flag: '--root <dir>',
    type: path,
    default: {
      text: '/cvmfs for cvmfs; for directory /srv/unpackd as root, else $XDG_DATA_HOME/unpackd or ~/.local/share/unpackd',
      compute: defaultRoot,
    },
    group: 'Repository:',
    description: 'where repositories are: each is the directory of its name below this one',
  },
  clientRoot: {
    key: 'client-root',
    flag: '--client-root <dir>',
    type: path,
    default: { text: 'the root', compute: ({ earlier }) => String(earlier('root')) },
    group: 'Repository:',
    description: 'where clients see the repositories: links of the podman store lead below it',
  },
  repositories: {
    key: 'repositories',
    flag: '--repositories <list>',
    type: repositoryNames,
    default: undefined,
    group: 'Repository:',
    description:
      'where sources may publish that name no repositories themselves (default: wherever the backend cvmfs can; with directory, where unpackd has published before)',
  },
  state: {
    key: 'state',
    flag: '--state <dir>',
    type: path,
    default: {
      text: `${SERVICE_STATE_DIRECTORY} as root and as its owner, else $XDG_STATE_HOME/unpackd or ~/.local/state/unpackd`,
      compute: defaultState,
    },
    group: 'Repository:',
    description: 'what unpackd remembers between runs, and its spool',
  },
  temporaryDirectory: {
    key: 'temporary-dir',
    flag: '-t, --temporary-dir <dir>',
    type: path,
    default: {
      text: 'the state directory',
      compute: ({ earlier }) => String(earlier('state')),
    },
    group: 'Repository:',
    description: 'where downloaded blobs lie while they are unpacked; also the variable DUCC_TMP_DIR',
    variables: ['DUCC_TMP_DIR'],
  },
  skipFlat: {
    key: 'skip-flat',
    flag: '-s, --skip-flat',
    type: boolean,
    default: 'false',
    group: 'What is made:',
    description: 'make no flat root file systems (those that apptainer runs) and no public names',
  },
  skipLayers: {
    key: 'skip-layers',
    flag: '-d, --skip-layers',
    type: boolean,
    default: 'false',
    group: 'What is made:',
    description: 'make no unpacked layers below .layers (those that containerd uses)',
  },
  skipPodman: {
    key: 'skip-podman',
    flag: '-p, --skip-podman',
    type: boolean,
    default: 'false',
    group: 'What is made:',
    description: 'leave images out of the podman image store below podmanStore',
  },
  skipThinImage: {
    key: 'skip-thin-image',
    flag: '-i, --skip-thin-image',
    type: boolean,
    default: 'false',
    group: 'What is made:',
    description: 'accepted for scripts written for DUCC; does nothing, since no thin images are made',
  },
  chains: {
    key: 'chains',
    flag: '--no-chains',
    type: boolean,
    default: 'true',
    group: 'What is made:',
    description: 'make no chains below .chains',
  },
  platforms: {
    key: 'platforms',
    flag: '--platforms <list>',
    type: platforms,
    default: undefined,
    group: 'What is made:',
    description:
      'for which platforms images are published, such as linux/amd64,linux/arm64, where the recipe names none (default: linux/amd64)',
  },
  multiarchLinks: {
    key: 'multiarch-links',
    flag: '--multiarch-links <which>',
    type: choice('auto', 'always', 'never'),
    default: 'auto',
    group: 'What is made:',
    description:
      'which public names lead clients of CernVM-FS to the image for their own architecture: "auto" those of images that are wanted for several platforms, "always" all; counts for the backend cvmfs alone',
  },
  foreignLayers: {
    key: 'foreign-layers',
    flag: '--foreign-layers <policy>',
    type: choice('refuse', 'skip', 'fetch'),
    default: 'refuse',
    group: 'What is made:',
    description:
      'layers that registries do not distribute: "refuse" their images, "skip" the layers, "fetch" them from where the manifest says',
  },
  unkept: {
    key: 'unkept',
    flag: '--unkept <policy>',
    type: choice('warn', 'refuse'),
    default: 'warn',
    group: 'What is made:',
    description:
      'what becomes of images with owners, devices or attributes that the repository cannot hold: "warn" publishes the rest, "refuse" fails them',
  },
  allowPrivileged: {
    key: 'allow-privileged',
    flag: '--allow-privileged',
    type: boolean,
    default: 'false',
    group: 'What is made:',
    description:
      'publish set-user-ID programs, capabilities and devices of images also where every user of this machine can use them; counts for the backend directory alone',
  },
  convertAgain: {
    key: 'convert-again',
    flag: '-g, --convert-again',
    type: boolean,
    default: 'false',
    group: 'What is made:',
    description: 'publish images again that are published already',
  },
  overwriteLayers: {
    key: 'overwrite-layers',
    flag: '-f, --overwrite-layers',
    type: boolean,
    default: 'false',
    group: 'What is made:',
    description: 'unpack layers again that the repository holds already',
  },
  ...LIMIT_OPTIONS,
  schedule: {
    key: 'schedule',
    flag: '--schedule <cron>',
    type: cronExpression,
    default: '*/5 * * * *',
    group: 'Daemon:',
    description:
      'when the daemon looks at wishlists and registries: a cron expression, with seconds in front where it has six fields',
  },
  timeZone: {
    key: 'time-zone',
    flag: '--time-zone <zone>',
    type: timeZone,
    default: { text: "the machine's", compute: () => machineTimeZone() },
    group: 'Daemon:',
    description: 'of the schedule, such as Europe/Zurich',
  },
  jitterMs: {
    key: 'jitter',
    flag: '--jitter <duration>',
    type: duration(),
    default: '10s',
    group: 'Daemon:',
    description: 'how much later than scheduled it may begin, by chance, so that not all sites ask at once',
  },
  stopTimeoutMs: {
    key: 'stop-timeout',
    flag: '--stop-timeout <duration>',
    type: duration(),
    default: '4m',
    group: 'Daemon:',
    description: 'how long a publication that runs may take to its end when the daemon is stopped',
  },
  cvmfsServer: {
    key: 'cvmfs-server',
    flag: '--cvmfs-server <command>',
    type: string,
    default: 'cvmfs_server',
    group: 'CVMFS server:',
    description: 'the command that publishes',
  },
  cvmfsSpool: {
    key: 'cvmfs-spool',
    flag: '--cvmfs-spool <dir>',
    type: path,
    default: '/var/spool/cvmfs',
    group: 'CVMFS server:',
    description: 'where the server keeps the spool of each repository',
  },
  cvmfsConfiguration: {
    key: 'cvmfs-configuration',
    flag: '--cvmfs-configuration <dir>',
    type: path,
    default: '/etc/cvmfs',
    group: 'CVMFS server:',
    description: 'where the server keeps the configuration of each repository',
  },
  dockerConfig: {
    key: 'docker-config',
    flag: '--docker-config <file>',
    type: path,
    default: undefined,
    group: 'Registries:',
    description:
      'credentials that "docker login" or "podman login" keeps (default: all files where those keep them, or $REGISTRY_AUTH_FILE)',
  },
  caCertificates: {
    key: 'ca-certificates',
    flag: '--ca-certificates <file>',
    type: path,
    default: undefined,
    group: 'Registries:',
    description: "certificate authorities for all registries beside the system's: a PEM file",
  },
  publicOnly: {
    key: 'public-only',
    flag: '--public-only',
    type: boolean,
    default: 'false',
    group: 'Registries:',
    description:
      'connect to public addresses alone, whatever names, redirects and token services lead to: for wishes of strangers',
  },
  base: {
    key: 'base',
    flag: '--base <commit>',
    type: string,
    default: undefined,
    group: 'Checking:',
    description:
      'a commit or branch with an earlier version of the recipe, in its git repository (origin/main): only what is new since then can be an error',
    notInFile: true,
  },
  baseFile: {
    key: 'base-file',
    flag: '--base-file <file>',
    type: path,
    default: undefined,
    group: 'Checking:',
    description: 'the same with the earlier version in a file',
    notInFile: true,
  },
  offline: {
    key: 'offline',
    flag: '--offline',
    type: boolean,
    default: 'false',
    group: 'Checking:',
    description: 'check the recipe itself, and ask no registry',
  },
  format: {
    key: 'format',
    flag: '--format <format>',
    type: choice('text', 'json', 'github', 'markdown', 'junit'),
    default: 'text',
    group: 'Checking:',
    description:
      'how findings are printed: "github" makes annotations, "markdown" a comment, "junit" a report in XML; with --json it is json',
  },
  report: {
    key: 'report',
    flag: '--report <files>',
    type: paths,
    default: undefined,
    group: 'Checking:',
    description:
      'files to write the findings to as well, such as check.md,check.xml: ".md" a comment, ".xml" JUnit, ".json" all of it',
    notInFile: true,
  },
  allowedRegistries: {
    key: 'allowed-registries',
    flag: '--allowed-registries <list>',
    type: registryPatterns,
    default: undefined,
    group: 'Registries:',
    description:
      'registries that wishes may name, such as docker.io,*.example.org,quay.io/lab; others are refused, and not asked (default: all)',
  },
  configFile: {
    key: 'config',
    flag: '--config <file>',
    type: path,
    default: undefined,
    group: 'Input and output:',
    description: `the configuration file (default: ${DEFAULT_CONFIGURATION_FILE} where that exists)`,
    notInFile: true,
  },
  json: {
    key: 'json',
    flag: '--json',
    type: boolean,
    default: 'false',
    group: 'Input and output:',
    description: 'print results as one JSON document',
  },
  progress: {
    key: 'progress',
    flag: '--progress <kind>',
    type: choice('auto', 'bar', 'plain', 'none'),
    default: 'auto',
    group: 'Input and output:',
    description:
      'what standard error shows meanwhile: "bar" on a terminal, "plain" lines, "none" but warnings and errors',
  },
  logLevel: {
    key: 'log-level',
    flag: '--log-level <level>',
    type: choice('error', 'warning', 'info', 'debug'),
    default: 'info',
    group: 'Input and output:',
    description: 'the least that standard error tells: "debug" has a line for each request to a registry',
  },
  notificationFile: {
    key: 'notification-file',
    flag: '-n, --notification-file <file>',
    type: path,
    default: undefined,
    group: 'Input and output:',
    description: 'append what happens to this file, one JSON object a line, as DUCC does',
  },
} as const satisfies Readonly<Record<string, Option>>;

type Options = typeof OPTIONS;
type ValueOf<Type> = Type extends ValueType<infer Value> ? Value : never;

/** Names of options as files and messages have them. */
export type OptionKey = Options[keyof Options]['key'];

/** The settings of a run, each with its default where nothing else was said. Paths are absolute. */
export type Configuration = {
  readonly [Name in keyof Options]:
    ValueOf<Options[Name]['type']> | (Options[Name]['default'] extends undefined ? undefined : never);
} & {
  /** Whether somebody said which backend; it is the default otherwise. */
  readonly isBackendChosen: boolean;
  /** What "docker login" and "podman login" keep, in the order in which it counts: the files that are there. */
  readonly loginFiles: readonly string[];
  /** What the file says under {@link REGISTRIES_KEY}, each host once. No secret is in it. */
  readonly registries: readonly RegistryEntry[];
  /** What the file says under {@link SOURCES_KEY}, each name once. No secret is in it. */
  readonly sources: readonly SourceEntry[];
};

function defaultRoot({ environment, home, superuser, earlier }: DefaultsContext): string {
  if (earlier('backend') === 'cvmfs') return '/cvmfs';
  if (superuser) return '/srv/unpackd';
  return join(baseDirectory(environment['XDG_DATA_HOME']) ?? join(home, '.local/share'), 'unpackd');
}

function defaultState({ environment, home, superuser, ownsServiceState }: DefaultsContext): string {
  if (superuser || ownsServiceState === true) return SERVICE_STATE_DIRECTORY;
  return join(baseDirectory(environment['XDG_STATE_HOME']) ?? join(home, '.local/state'), 'unpackd');
}

/**
 * A base directory counts only if it is absolute.
 *
 * @see XDG Base Directory Specification 0.8, "Basics"
 */
function baseDirectory(value: string | undefined): string | undefined {
  return value !== undefined && isAbsolute(value) ? value : undefined;
}
