import type { AnyCommand } from './command.ts';

export const ASKING = ['image-limits', 'wishlist-limits', 'registries'] as const;
export const STATE = ['state', 'json'] as const;

export const RECIPE = { name: 'RECIPE', description: 'the wishlist, a YAML file', values: 'files' } as const;

/** Commands about wishlists: part of `COMMANDS`. */
export const WISHLIST_COMMANDS: readonly AnyCommand[] = [
  {
    name: 'wishlist check',
    summary: 'Check recipes, for people and for CI',
    details: 'Asks registries, unless --offline is given',
    arguments: [
      {
        ...RECIPE,
        description: 'wishlists: YAML files; if omitted, all sources of the configuration',
        variadic: true,
      },
    ],
    options: [
      'base',
      'base-file',
      'offline',
      'format',
      'report',
      'allowed-registries',
      'image-size-limit',
      'pattern-limit',
      'platforms',
      'json',
    ],
    topics: ASKING,
    examples: [
      ['unpackd wishlist check recipe.yaml', 'every line'],
      [
        'unpackd wishlist check --base origin/main recipe.yaml',
        'only what is new since that commit can be an error',
      ],
      [
        'unpackd wishlist check --base origin/main --report check.md recipe.yaml',
        'the same, and a comment for a pull request',
      ],
    ],
    run: async (context) => await (await import('./commands/wishlist-check.ts')).checkWishlists(context),
  },
  {
    name: 'wishlist expand',
    summary: 'Print the images that recipes mean today',
    details: 'Asks registries which tags there are',
    arguments: [
      RECIPE,
      { ...RECIPE, name: 'OTHERS', description: 'further ones, read as one wishlist', variadic: true },
    ],
    options: ['json', 'platforms', 'pattern-limit', 'allowed-registries'],
    topics: ASKING,
    examples: [
      ['unpackd wishlist expand recipe.yaml', 'one image a line, by its public name'],
      [
        'unpackd wishlist expand --json one.yaml two.yaml',
        'with platforms, repositories and the lines that ask for each, for scripts',
      ],
    ],
    run: async (context) => await (await import('./commands/wishlist.ts')).expandWishlists(context),
  },
  {
    name: 'wishlist import',
    summary: 'Convert a list of images, one a line, into a recipe',
    arguments: [
      {
        name: 'FILE',
        description: 'a list as the OSG keeps one: # begins a comment, no registry is Docker Hub',
        values: 'files',
      },
      { name: 'REPOSITORY', description: 'where to publish the images, such as unpacked.example.org' },
    ],
    options: ['json'],
    examples: [
      [
        'unpackd wishlist import images.txt unpacked.example.org >recipe.yaml',
        'lines that are not images are reported, and become comments',
      ],
    ],
    run: async (context) => await (await import('./commands/wishlist.ts')).importImages(context),
  },
  {
    name: 'wishlist sources',
    summary: 'Read the configured sources, and show what is in force',
    arguments: [],
    options: STATE,
    topics: ASKING,
    examples: [
      ['unpackd wishlist sources', 'a line for each source'],
      ['unpackd wishlist sources --json', 'for scripts'],
    ],
    run: async (context) => await (await import('./commands/wishlist.ts')).showSources(context),
  },
];
