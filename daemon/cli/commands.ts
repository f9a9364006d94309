import { CLIENT_KINDS } from '../client-config/snippets.ts';
import type { AnyCommand } from './command.ts';
import { ASKING, RECIPE, STATE, WISHLIST_COMMANDS } from './wishlist-commands.ts';

/*
 * All commands as data. Their work is imported when it runs: importing modules dominates short runs.
 */

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

const PUBLISHING = ['publishing', 'image-limits', 'wishlist-limits', 'registries'] as const;

const CONVERTING = [
  'backend',
  'root',
  'state',
  'platforms',
  'convert-again',
  'overwrite-layers',
  'progress',
  'json',
] as const;
const SCHEDULED = [
  'schedule',
  'gc-schedule',
  'grace-period',
  'server-gc',
  'time-zone',
  'jitter',
  'stop-timeout',
  'config',
] as const;

const ALL_OR_ONE = {
  name: 'REPOSITORY',
  description: 'such as unpacked.example.org; all if omitted',
  optional: true,
} as const;

export const COMMANDS: readonly AnyCommand[] = [
  {
    name: 'convert',
    summary: 'Publish what a recipe or all configured sources ask for',
    details: 'Runs once; what is published already is not fetched again',
    arguments: [
      {
        ...RECIPE,
        description: `${RECIPE.description}; if omitted, all sources of the configuration`,
        optional: true,
      },
    ],
    options: [...CONVERTING, 'yes-really'],
    topics: PUBLISHING,
    examples: [
      ['unpackd convert recipe.yaml', 'into a directory tree, the default'],
      [
        'unpackd convert --backend cvmfs recipe.yaml',
        'into the repositories that the recipe names, on their release manager',
      ],
      ['unpackd convert', 'all that the sources of the configuration file ask for'],
      ['unpackd convert --json --progress none recipe.yaml', 'for scripts'],
    ],
    run: async (context) => await (await import('./commands/convert.ts')).convert(context),
  },
  {
    name: 'convert-single-image',
    summary: 'Publish one image, or all that match a tag pattern',
    arguments: [
      { name: 'IMAGE', description: 'REGISTRY/REPOSITORY[:TAG][@DIGEST]; * in the tag matches anything' },
      { name: 'REPOSITORY', description: 'where to publish it, such as unpacked.example.org' },
    ],
    options: CONVERTING,
    topics: PUBLISHING,
    examples: [
      [
        'unpackd convert-single-image docker.io/library/alpine:3.20 images.local',
        'into a directory tree, the default',
      ],
      [
        "unpackd convert-single-image --backend cvmfs 'quay.io/lab/tool:v1.*' x.org",
        'all tags that begin with v1., on a release manager',
      ],
    ],
    run: async (context) =>
      await (await import('./commands/convert-single-image.ts')).convertSingleImage(context),
  },
  {
    name: 'daemon',
    summary: 'Keep publishing what the configured sources ask for',
    details: 'Runs on a schedule until it is stopped; SIGHUP makes it reread its configuration',
    arguments: [],
    options: SCHEDULED,
    topics: PUBLISHING,
    examples: [
      ['unpackd daemon --config /etc/unpackd/unpackd.yaml', 'as the service does'],
      ["unpackd daemon --schedule '*/30 * * * * *'", 'every 30 seconds, to try it'],
    ],
    run: async (context) => await (await import('./commands/daemon.ts')).daemon(context),
  },
  {
    name: 'loop',
    summary: 'Keep publishing what one recipe asks for',
    details: 'Runs on a schedule until it is stopped',
    arguments: [{ ...RECIPE, description: 'the wishlist, a YAML file, read again for each run' }],
    options: SCHEDULED,
    topics: PUBLISHING,
    examples: [['unpackd loop recipe.yaml', 'every five minutes, the default']],
    run: async (context) => await (await import('./commands/daemon.ts')).loop(context),
  },
  {
    name: 'status',
    summary: 'Show what is published, pending and failing',
    details: 'Also shows what the daemon is doing. Exits with 1 if anything needs attention',
    arguments: [
      {
        name: 'IMAGE',
        description: 'REGISTRY/REPOSITORY:TAG: who asks for it, what is published, what was tried',
        optional: true,
      },
    ],
    options: STATE,
    survivesBrokenFile: true,
    examples: [
      ['unpackd status', 'everything at a glance'],
      ['unpackd status quay.io/lab/tool:1.2', 'one image'],
      ['unpackd status --json', 'for programs'],
    ],
    run: async (context) => await (await import('./commands/status.ts')).status(context),
  },
  {
    name: 'retry',
    summary: 'Retry failed images now',
    arguments: [
      {
        name: 'IMAGE',
        description: 'REGISTRY/REPOSITORY:TAG as the status shows it; all that fail if omitted',
        optional: true,
      },
    ],
    options: STATE,
    examples: [
      ['unpackd retry quay.io/lab/tool:1.2', 'one image'],
      ['unpackd retry', 'all images that fail'],
    ],
    run: async (context) => await (await import('./commands/steering.ts')).retry(context),
  },
  {
    name: 'pause',
    summary: 'Pause publishing to one repository, or to all',
    details: 'A publication under way is finished. "unpackd resume" ends the pause',
    arguments: [ALL_OR_ONE],
    options: STATE,
    examples: [
      ['unpackd pause unpacked.example.org', 'to work on the repository by hand'],
      ['unpackd pause', 'all repositories'],
    ],
    run: async (context) => await (await import('./commands/steering.ts')).pause(context),
  },
  {
    name: 'resume',
    summary: 'Resume publishing after "pause"',
    arguments: [ALL_OR_ONE],
    options: STATE,
    examples: [
      ['unpackd resume unpacked.example.org', 'one repository'],
      ['unpackd resume', 'all that are paused'],
    ],
    run: async (context) => await (await import('./commands/steering.ts')).resume(context),
  },
  {
    name: 'remove',
    summary: 'Take back the public names of images',
    details:
      'Trees go later, by "unpackd gc". An image that a line asks for stays. "unpackd restore" undoes it until a collection has swept its trees. Runs beside the daemon',
    arguments: [
      {
        name: 'IMAGE',
        description: 'a public name or REGISTRY/REPOSITORY:TAG; * matches anything but a slash',
        variadic: true,
      },
    ],
    options: ['repository', 'held', 'dry-run', 'backend', 'root', 'state', 'progress', 'json'],
    topics: ['removing'],
    examples: [
      ['unpackd remove quay.io/lab/tool:1.2', 'from all repositories that have it'],
      ["unpackd remove --dry-run 'quay.io/lab/tool:*'", 'what would go'],
      ['unpackd remove --held unpacked.example.org', 'what the daemon planned to remove, and holds back'],
    ],
    run: async (context) => await (await import('./commands/remove.ts')).removeImages(context),
  },
  {
    name: 'restore',
    summary: 'Undo the removal of an image',
    details:
      'From the repository while its trees are there, otherwise from its registry. Runs beside the daemon',
    arguments: [{ name: 'IMAGE', description: 'a public name or REGISTRY/REPOSITORY:TAG' }],
    options: ['repository', ...CONVERTING],
    topics: ['removing', ...PUBLISHING],
    examples: [
      ['unpackd restore quay.io/lab/tool:1.2', 'as "unpackd remove" or the daemon took it back'],
      ['unpackd restore --repository unpacked.example.org quay.io/lab/tool:1.2', 'in one repository'],
    ],
    run: async (context) => await (await import('./commands/restore.ts')).restoreImage(context),
  },
  {
    name: 'rebuild',
    summary: 'Rebuild the state database from the repositories',
    arguments: [
      {
        name: 'REPOSITORY',
        description: 'such as unpacked.example.org; all that the database knows if omitted',
        variadic: true,
      },
    ],
    options: ['state', 'backend', 'root', 'json'],
    examples: [['unpackd rebuild unpacked.example.org', 'after the database was lost, or in doubt']],
    run: async (context) => await (await import('./commands/rebuild.ts')).rebuild(context),
  },
  {
    name: 'gc',
    aliases: ['garbage-collection'],
    summary: 'Remove trees that nothing in a repository refers to',
    details:
      'They are marked first, and go after the grace period. The daemon does so on a schedule of its own',
    arguments: [
      { name: 'REPOSITORY', description: 'the published repository, such as unpacked.example.org' },
    ],
    options: ['dry-run', 'yes-really', 'backend', 'root', 'state', 'progress', 'json'],
    topics: ['collection'],
    examples: [
      ['unpackd gc --dry-run unpacked.example.org', 'what would go now, and what waits until when'],
      ['unpackd gc --backend cvmfs unpacked.example.org', 'on a release manager, also beside the daemon'],
      ['unpackd gc --grace-period 7 unpacked.example.org', 'what nothing has referred to for a week'],
    ],
    run: async (context) => await (await import('./commands/gc.ts')).gc(context),
  },
  {
    name: 'verify',
    summary: 'Compare what is published with what should be',
    details: 'Also repairs it, if asked to. Exits with 1 if anything stays damaged',
    arguments: [
      { name: 'REPOSITORY', description: 'such as unpacked.example.org' },
      {
        name: 'IMAGE',
        description:
          'REGISTRY/REPOSITORY:TAG, or a public name; * matches anything but a slash; all that are published if omitted',
        variadic: true,
      },
    ],
    options: ['deep', 'repair', 'backend', 'root', 'state', 'progress', 'json'],
    topics: PUBLISHING,
    examples: [
      ['unpackd verify unpacked.example.org', 'all images, without the contents of their files'],
      ['unpackd verify --deep unpacked.example.org quay.io/lab/tool:1.2', 'one image, down to every byte'],
      ['unpackd verify --repair unpacked.example.org', 'publishes again what is damaged'],
    ],
    run: async (context) => await (await import('./commands/verify.ts')).verify(context),
  },
  {
    name: 'adopt',
    summary: "Take over what DUCC or the OSG's tool published",
    details:
      'Says what is wrong, and publishes the images anew under their names, which lead to a tree all the while. May be interrupted',
    arguments: [{ name: 'REPOSITORY', description: 'such as unpacked.example.org' }],
    options: ['dry-run', 'backend', 'root', 'state', 'progress', 'json'],
    topics: PUBLISHING,
    examples: [
      ['unpackd adopt --dry-run unpacked.example.org', 'what is wrong, without a question to any registry'],
      ['unpackd adopt --backend cvmfs unpacked.example.org', 'on the release manager'],
    ],
    run: async (context) => await (await import('./commands/adopt.ts')).adoptRepository(context),
  },
  ...WISHLIST_COMMANDS,
  {
    name: 'check-image-syntax',
    summary: 'Check the syntax of images or recipes; asks no registry',
    arguments: [
      {
        name: 'IMAGE|RECIPE',
        description: 'an image, or a recipe: a file whose name ends in .yaml or .yml',
        variadic: true,
        values: 'files',
      },
    ],
    options: ['wish-limit', 'json'],
    examples: [
      ['unpackd check-image-syntax quay.io/stimela/casa:1.7.1', 'one image'],
      ['unpackd check-image-syntax recipe.yaml', 'every line of a recipe'],
    ],
    run: async (context) => await (await import('./commands/check-image-syntax.ts')).checkSyntax(context),
  },
  {
    name: 'download-manifest',
    aliases: ['get-manifest'],
    summary: 'Print the manifest of an image, byte for byte',
    arguments: [{ name: 'IMAGE', description: 'REGISTRY/REPOSITORY[:TAG][@DIGEST]' }],
    options: ['docker-config'],
    topics: ASKING,
    examples: [
      [
        'unpackd download-manifest docker.io/library/alpine:3.20',
        'the manifest for linux/amd64, its digest checked',
      ],
    ],
    run: async (context) => await (await import('./commands/download-manifest.ts')).printManifest(context),
  },
  {
    name: 'client-config',
    summary: 'Print what podman, containerd or Apptainer needs',
    details: 'Each part begins with a comment that says where it belongs',
    arguments: [
      { name: 'KIND', description: CLIENT_KINDS.join(', '), values: CLIENT_KINDS },
      { name: 'REPOSITORY', description: 'the published repository, such as unpacked.example.org' },
    ],
    options: ['client-root', 'root', 'platforms'],
    examples: [
      [
        'unpackd client-config --backend cvmfs podman unpacked.example.org',
        'a storage.conf for root, with the images below /cvmfs',
      ],
      [
        'unpackd client-config --platforms linux/arm64 podman-rootless x.example.org',
        'for users of machines with another processor',
      ],
    ],
    run: async (context) => await (await import('./commands/client-config.ts')).clientConfig(context),
  },
  {
    name: 'config check',
    summary: 'Check the configuration and everything it names',
    arguments: [
      {
        name: 'FILE',
        description: 'in place of the file that is in force',
        optional: true,
        values: 'files',
      },
    ],
    options: ['config', 'json'],
    topics: [...PUBLISHING, 'schedule', 'removing', 'collection', 'verifying', 'checks'],
    examples: [
      ['unpackd config check', 'as the user that runs unpackd: exit status 2 if something is wrong'],
      ['unpackd config check unpackd.yaml.new', 'before it is put in place'],
    ],
    inspect: async (context) => await (await import('./commands/config.ts')).checkConfig(context),
  },
  {
    name: 'config show',
    summary: 'Show the configuration, and where each value comes from',
    arguments: [],
    options: ['config', 'json'],
    topics: [...PUBLISHING, 'schedule', 'removing', 'collection', 'verifying', 'checks'],
    examples: [
      ['unpackd config show', 'all options, registries and sources; secrets are masked'],
      ['unpackd config show --json', 'for scripts'],
    ],
    inspect: async (context) => await (await import('./commands/config.ts')).showConfig(context),
  },
  {
    name: 'completion',
    summary: 'Print the completion script of a shell',
    arguments: [{ name: 'SHELL', description: SHELLS.join(', '), values: SHELLS }],
    options: [],
    examples: [
      ['source <(unpackd completion bash)', 'for this bash; the packages install the scripts of all three'],
    ],
    inspect: async (context) => (await import('./completion.ts')).printCompletion(context),
  },
];

/** The parts of the general help. */
export const SECTIONS = {
  Publishing: ['convert', 'convert-single-image', 'daemon', 'loop', 'adopt'],
  'Daemon and state': ['status', 'verify', 'retry', 'pause', 'resume', 'remove', 'restore', 'rebuild', 'gc'],
  'Wishlists and images': [
    'wishlist check',
    'wishlist expand',
    'wishlist import',
    'wishlist sources',
    'check-image-syntax',
    'download-manifest',
  ],
  'Configuration and help': ['client-config', 'config check', 'config show', 'completion'],
} as const;

/** Commands of DUCC, or planned, that are not there yet, with what to do meanwhile. */
export const PLANNED_COMMANDS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    list: '"unpackd status" counts the images of each repository, and "unpackd status IMAGE" shows one',
    export: 'apptainer and podman can export published images',
    shifter: 'docs/operators.md, "Clients", says what reads repositories today',
  }),
);

/** The same for options. */
export const PLANNED_OPTIONS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    '--strict': 'in recipes of version 2 a key that is unknown is an error already',
  }),
);
