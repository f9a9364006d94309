import { isAbsolute, join } from 'node:path';
import type { DefaultsContext, OptionGroups } from './option.ts';
import { boolean, choice, directory, outputs, platforms, repositoryNames } from './value-types.ts';

/** Owned by the user of the service (StateDirectory= in systemd/unpackd.service). */
export const SERVICE_STATE_DIRECTORY = '/var/lib/unpackd';

/** Locations of repositories and state, and what is published of an image. */
export const REPOSITORY_OPTIONS = {
  Repository: {
    backend: {
      key: 'backend',
      type: choice('directory', 'cvmfs'),
      default: 'directory',
      summary: 'write a plain directory tree, or publish with cvmfs_server',
    },
    root: {
      key: 'root',
      type: directory,
      default: {
        text: '/cvmfs with cvmfs; else /srv/unpackd as root, or ~/.local/share/unpackd',
        compute: defaultRoot,
      },
      summary: 'directory of the repositories, each a subdirectory of its name',
      details: '`$XDG_DATA_HOME` takes the place of `~/.local/share`.',
      example: '/srv/unpackd',
    },
    clientRoot: {
      key: 'client-root',
      type: directory,
      default: { text: 'the root', compute: ({ earlier }) => String(earlier('root')) },
      summary: 'where clients see the repositories; links in the podman store point there',
      example: '/srv/unpackd',
    },
    repositories: {
      key: 'repositories',
      type: repositoryNames,
      summary: 'repositories that sources may publish to unless they name their own',
      details: 'See [what a source may ask for](operators.md#what-a-source-may-ask-for).',
      unset: 'any with cvmfs; with directory those that unpackd has published to',
      example: '[unpacked.example.org]',
    },
    state: {
      key: 'state',
      type: directory,
      default: {
        text: `${SERVICE_STATE_DIRECTORY} as root or its owner, else ~/.local/state/unpackd`,
        compute: defaultState,
      },
      summary: 'directory for the database, caches and the spool',
      details: 'A cache: it may be lost. `$XDG_STATE_HOME` takes the place of `~/.local/state`.',
      example: '/var/lib/unpackd',
    },
    temporaryDirectory: {
      key: 'temporary-dir',
      short: 't',
      type: directory,
      default: {
        text: 'the state directory',
        compute: ({ earlier }) => String(earlier('state')),
      },
      summary: 'where downloaded layers wait to be published (also $DUCC_TMP_DIR)',
      example: '/var/lib/unpackd',
      variables: ['DUCC_TMP_DIR'],
    },
  },
  Publishing: {
    outputs: {
      key: 'outputs',
      type: outputs,
      summary: 'forms to publish images in, unless the recipe asks for fewer',
      unset: '`layers,flat,podman`, and `chains` as that option says',
      example: '[layers, flat, podman]',
    },
    skipFlat: {
      key: 'skip-flat',
      short: 's',
      type: boolean,
      default: 'false',
      summary: 'skip flat root file systems, as apptainer runs them, and public names',
    },
    skipLayers: {
      key: 'skip-layers',
      short: 'd',
      type: boolean,
      default: 'false',
      summary: 'skip unpacked layers in .layers, as containerd uses them',
    },
    skipPodman: {
      key: 'skip-podman',
      short: 'p',
      type: boolean,
      default: 'false',
      summary: 'skip the podman image store in podmanStore',
    },
    skipThinImage: {
      key: 'skip-thin-image',
      short: 'i',
      type: boolean,
      default: 'false',
      summary: 'accepted for DUCC scripts; unpackd makes no thin images',
    },
    chains: {
      key: 'chains',
      type: boolean,
      summary: 'publish chains in .chains, which need layers',
      details: 'A list in `outputs` decides alone; `chains: false` holds for recipes too.',
      unset: 'in a repository that has some, and where a recipe names them',
      example: 'true',
    },
    platforms: {
      key: 'platforms',
      type: platforms,
      summary: 'platforms to publish when the recipe names none',
      unset: 'linux/amd64',
      example: '[linux/amd64]',
    },
    multiarchLinks: {
      key: 'multiarch-links',
      type: choice('auto', 'always', 'never'),
      argument: 'which',
      default: 'auto',
      summary: "let public names resolve to the client's architecture (cvmfs only)",
      details: '"auto": names of images that are wanted for several platforms.',
    },
    foreignLayers: {
      key: 'foreign-layers',
      type: choice('refuse', 'skip', 'fetch'),
      argument: 'policy',
      default: 'refuse',
      summary: 'what to do about layers that registries do not distribute',
      details: '"refuse" the image, "skip" the layer, or "fetch" it from the URLs in the manifest.',
    },
    onLoss: {
      key: 'on-loss',
      type: choice('warn', 'refuse'),
      argument: 'policy',
      default: 'warn',
      summary: 'when metadata cannot be stored: publish without it, or refuse the image',
      formerKey: 'unkept',
      details:
        'This is about owners, devices and extended attributes. See [what a repository cannot hold](operators.md#what-a-repository-cannot-hold).',
    },
    sameContent: {
      key: 'same-content',
      type: choice('exact', 'ignore-mtime'),
      argument: 'rule',
      default: 'exact',
      summary: 'which published files a new layer links to: equal in all, or in all but their times',
      details:
        'With "ignore-mtime" such files keep the times that they had. See [what a rebuild costs](performance.md#files-that-did-not-change).',
    },
    allowPrivileged: {
      key: 'allow-privileged',
      type: boolean,
      default: 'false',
      summary: 'publish set-user-ID programs and devices even where local users could use them',
      details:
        'For the backend directory. See [set-user-ID programs and devices](operators.md#set-user-id-programs-and-devices).',
    },
    convertAgain: {
      key: 'convert-again',
      short: 'g',
      type: boolean,
      default: 'false',
      summary: 'publish images again that are up to date',
      details: 'For one run, not for the file.',
    },
    overwriteLayers: {
      key: 'overwrite-layers',
      short: 'f',
      type: boolean,
      default: 'false',
      summary: 'unpack layers again that the repository has',
      details: 'For one run, not for the file.',
    },
    yesReally: {
      key: 'yes-really',
      type: boolean,
      default: 'false',
      summary: 'remove also what is held back, such as many images at once',
      details: 'For one run, not for the file. See [removing images](operators.md#removing-images).',
    },
  },
} as const satisfies OptionGroups;

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
