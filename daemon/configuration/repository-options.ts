import { isAbsolute, join } from 'node:path';
import { outputNames } from '../../core/outputs.ts';
import type { DefaultsContext, Option } from './option.ts';
import { boolean, choice, outputs, path, platforms, repositoryNames } from './value-types.ts';

/** Owned by the user of the service (StateDirectory= in systemd/unpackd.service). */
export const SERVICE_STATE_DIRECTORY = '/var/lib/unpackd';

/** Locations of repositories and state, and what is published of an image. */
export const REPOSITORY_OPTIONS = {
  backend: {
    key: 'backend',
    flag: '--backend <kind>',
    type: choice('directory', 'cvmfs'),
    default: 'directory',
    group: 'Repository',
    summary: 'write a plain directory tree, or publish with cvmfs_server',
  },
  root: {
    key: 'root',
    flag: '--root <dir>',
    type: path,
    default: {
      text: '/cvmfs with cvmfs; else /srv/unpackd as root, or ~/.local/share/unpackd',
      compute: defaultRoot,
    },
    group: 'Repository',
    summary: 'directory of the repositories, each a subdirectory of its name',
    details: '`$XDG_DATA_HOME` takes the place of `~/.local/share`.',
    example: '/srv/unpackd',
  },
  clientRoot: {
    key: 'client-root',
    flag: '--client-root <dir>',
    type: path,
    default: { text: 'the root', compute: ({ earlier }) => String(earlier('root')) },
    group: 'Repository',
    summary: 'where clients see the repositories; links in the podman store point there',
    example: '/srv/unpackd',
  },
  repositories: {
    key: 'repositories',
    flag: '--repositories <list>',
    type: repositoryNames,
    default: undefined,
    group: 'Repository',
    summary: 'repositories that sources may publish to unless they name their own',
    details: 'See [what a source may ask for](operators.md#what-a-source-may-ask-for).',
    unset: 'any with cvmfs; with directory those that unpackd has published to',
    example: '[unpacked.example.org]',
  },
  state: {
    key: 'state',
    flag: '--state <dir>',
    type: path,
    default: {
      text: `${SERVICE_STATE_DIRECTORY} as root or its owner, else ~/.local/state/unpackd`,
      compute: defaultState,
    },
    group: 'Repository',
    summary: 'directory for the database, caches and the spool',
    details: 'A cache: it may be lost. `$XDG_STATE_HOME` takes the place of `~/.local/state`.',
    example: '/var/lib/unpackd',
  },
  temporaryDirectory: {
    key: 'temporary-dir',
    flag: '-t, --temporary-dir <dir>',
    type: path,
    default: {
      text: 'the state directory',
      compute: ({ earlier }) => String(earlier('state')),
    },
    group: 'Repository',
    summary: 'where downloaded layers wait to be published (also $DUCC_TMP_DIR)',
    example: '/var/lib/unpackd',
    variables: ['DUCC_TMP_DIR'],
  },
  outputs: {
    key: 'outputs',
    flag: '--outputs <list>',
    type: outputs,
    default: outputNames().join(','),
    group: 'Publishing',
    summary: 'forms to publish images in, unless the recipe asks for fewer',
  },
  skipFlat: {
    key: 'skip-flat',
    flag: '-s, --skip-flat',
    type: boolean,
    default: 'false',
    group: 'Publishing',
    summary: 'skip flat root file systems, as apptainer runs them, and public names',
  },
  skipLayers: {
    key: 'skip-layers',
    flag: '-d, --skip-layers',
    type: boolean,
    default: 'false',
    group: 'Publishing',
    summary: 'skip unpacked layers in .layers, as containerd uses them',
  },
  skipPodman: {
    key: 'skip-podman',
    flag: '-p, --skip-podman',
    type: boolean,
    default: 'false',
    group: 'Publishing',
    summary: 'skip the podman image store in podmanStore',
  },
  skipThinImage: {
    key: 'skip-thin-image',
    flag: '-i, --skip-thin-image',
    type: boolean,
    default: 'false',
    group: 'Publishing',
    summary: 'accepted for DUCC scripts; unpackd makes no thin images',
  },
  chains: {
    key: 'chains',
    flag: '--no-chains',
    type: boolean,
    default: 'true',
    group: 'Publishing',
    summary: 'publish chains in .chains, which need layers',
  },
  platforms: {
    key: 'platforms',
    flag: '--platforms <list>',
    type: platforms,
    default: undefined,
    group: 'Publishing',
    summary: 'platforms to publish when the recipe names none',
    unset: 'linux/amd64',
    example: '[linux/amd64]',
  },
  multiarchLinks: {
    key: 'multiarch-links',
    flag: '--multiarch-links <which>',
    type: choice('auto', 'always', 'never'),
    default: 'auto',
    group: 'Publishing',
    summary: "let public names resolve to the client's architecture (cvmfs only)",
    details: '"auto": names of images that are wanted for several platforms.',
  },
  foreignLayers: {
    key: 'foreign-layers',
    flag: '--foreign-layers <policy>',
    type: choice('refuse', 'skip', 'fetch'),
    default: 'refuse',
    group: 'Publishing',
    summary: 'what to do about layers that registries do not distribute',
    details: '"refuse" the image, "skip" the layer, or "fetch" it from the URLs in the manifest.',
  },
  onLoss: {
    key: 'on-loss',
    flag: '--on-loss <policy>',
    type: choice('warn', 'refuse'),
    default: 'warn',
    group: 'Publishing',
    summary: 'when metadata cannot be stored: publish without it, or refuse the image',
    formerKey: 'unkept',
    details:
      'This is about owners, devices and extended attributes. See [what a repository cannot hold](operators.md#what-a-repository-cannot-hold).',
  },
  allowPrivileged: {
    key: 'allow-privileged',
    flag: '--allow-privileged',
    type: boolean,
    default: 'false',
    group: 'Publishing',
    summary: 'publish set-user-ID programs and devices even where local users could use them',
    details:
      'For the backend directory. See [set-user-ID programs and devices](operators.md#set-user-id-programs-and-devices).',
  },
  convertAgain: {
    key: 'convert-again',
    flag: '-g, --convert-again',
    type: boolean,
    default: 'false',
    group: 'Publishing',
    summary: 'publish images again that are up to date',
    details: 'For one run, not for the file.',
  },
  overwriteLayers: {
    key: 'overwrite-layers',
    flag: '-f, --overwrite-layers',
    type: boolean,
    default: 'false',
    group: 'Publishing',
    summary: 'unpack layers again that the repository has',
    details: 'For one run, not for the file.',
  },
} as const satisfies Readonly<Record<string, Option>>;

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
