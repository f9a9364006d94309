import {
  OPTION_GROUPS,
  OPTIONS,
  type Option,
  type OptionGroup,
  type OptionKey,
} from '../configuration/options.ts';
import type { Context, InspectionContext } from '../output/context.ts';
import type { ExitStatus } from '../output/exit-status.ts';

/** A command as data: help, completion and man pages are made from it. */
export interface CommandDescription {
  /** Such as `convert`, or `wishlist check` for a command in a group. */
  readonly name: string;
  /** Further names, such as DUCC's. */
  readonly aliases?: readonly string[];
  /** A line that begins with a verb, without a full stop. */
  readonly summary: string;
  /** Further sentences for the command's own help. */
  readonly details?: string;
  readonly arguments: readonly Argument[];
  /** Options that the command's help lists. */
  readonly options: readonly OptionKey[];
  /** Further options that it takes, by the page that lists them; every command takes those of `options`. */
  readonly topics?: readonly Topic[];
  readonly examples: readonly [Example, ...Example[]];
}

/** A command that works with the configuration. */
export interface Command extends CommandDescription {
  /** For commands that only read: a wrong configuration file is reported, and what is right in it counts. */
  readonly survivesBrokenFile?: true;
  /**
   * Imports the work when it is called.
   *
   * @throws Failure where the run cannot continue: it is reported, and the exit status follows from its code. Failures of
   * single images are events, not exceptions.
   */
  readonly run: (context: Context) => Promise<ExitStatus>;
}

/** A command that runs without a valid configuration: it reads the sources of the configuration itself, if any. */
export interface ConfigurationCommand extends CommandDescription {
  readonly inspect: (context: InspectionContext) => Promise<ExitStatus>;
}

export type AnyCommand = Command | ConfigurationCommand;

export interface Argument {
  /** As the help shows it, in capitals. */
  readonly name: string;
  readonly description: string;
  /** Any number may follow, also none. Only the last argument may be so. */
  readonly variadic?: true;
  /** Only the last argument may be so. */
  readonly optional?: true;
  /** For completion: the values there are, or any file. */
  readonly values?: readonly string[] | 'files';
}

/** Such as `unpackd convert recipe.yaml`, and what that does. */
export type Example = readonly [line: string, meaning: string];

/** An argument as the usage shows it. */
export function argumentTerm({ name, variadic, optional }: Argument): string {
  if (variadic === true) return `[${name}...]`;
  return optional === true ? `[${name}]` : name;
}

/** `unpackd convert [RECIPE] [OPTIONS]` */
export function usageLine({ name, arguments: values }: CommandDescription): string {
  return ['unpackd', name, ...values.map(argumentTerm), '[OPTIONS]'].join(' ');
}

/** Pages of options: `unpackd help TOPIC`. */
export const TOPICS = {
  options: {
    title: 'General options, which every command takes',
    groups: ['Repository', 'CernVM-FS server', 'Input and output'],
  },
  publishing: {
    title: 'Options for what is published, and in which batches',
    groups: ['Publishing', 'Batches'],
  },
  'image-limits': { title: 'Limits for images and layers', groups: ['Image limits'] },
  'wishlist-limits': { title: 'Limits for wishlists and their sources', groups: ['Wishlist limits'] },
  registries: { title: 'Options for registries', groups: ['Registries'] },
  schedule: { title: 'Options for "daemon" and "loop"', groups: ['Daemon'] },
  collection: { title: 'Options for "gc", also in the daemon', groups: ['Collection'] },
  removing: { title: 'Options for "remove" and "restore"', groups: ['Removing'] },
  verifying: { title: 'Options for "verify"', groups: ['Verifying'] },
  checks: { title: 'Options for "wishlist check" and dry runs', groups: ['Checking'] },
} as const satisfies Readonly<Record<string, { title: string; groups: readonly OptionGroup[] }>>;

export type Topic = keyof typeof TOPICS;

export const TOPIC_NAMES = Object.keys(TOPICS).filter(isTopic);

export const OPTION_TABLE: readonly Option[] = Object.values(OPTIONS);

export function isTopic(word: string): word is Topic {
  return Object.hasOwn(TOPICS, word);
}

export function optionsOn(topic: Topic): readonly Option[] {
  return TOPICS[topic].groups.flatMap((group): Option[] => Object.values(OPTION_GROUPS[group]));
}

/** The options that the command reads, and those that any command takes. */
export function takes({ options, topics = [] }: AnyCommand, option: Option): boolean {
  const own: readonly string[] = options;
  return (
    own.includes(option.key) ||
    [...topics, 'options' as const].some((topic) => optionsOn(topic).includes(option))
  );
}
