import type { Option } from './options.ts';
import { boolean, choice, path, paths, registryPatterns, string } from './value-types.ts';

/** The options of `wishlist check`. */
export const CHECKING_OPTIONS = {
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
} as const satisfies Readonly<Record<string, Option>>;
