import type { OptionKey } from '../configuration/options.ts';
import type { Context, InspectionContext } from '../output/context.ts';
import type { ExitStatus } from '../output/exit-status.ts';
import type { Topic } from './topics.ts';

/** A command as data: help, completion and man pages are made from it. */
export interface CommandDescription {
  /** Such as `convert`, or `wishlist check` for a command in a group. */
  readonly name: string;
  /** Further names, such as DUCC's. */
  readonly aliases?: readonly string[];
  /** One line, beginning with a verb, without a full stop. */
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

export interface Example {
  /** Such as `unpackd convert recipe.yaml`. */
  readonly line: string;
  readonly meaning: string;
}

/** An argument as the usage shows it. */
export function argumentTerm({ name, variadic, optional }: Argument): string {
  if (variadic === true) return `[${name}...]`;
  return optional === true ? `[${name}]` : name;
}

/** `unpackd convert [RECIPE] [OPTIONS]` */
export function usageLine({ name, arguments: values }: CommandDescription): string {
  return ['unpackd', name, ...values.map(argumentTerm), '[OPTIONS]'].join(' ');
}
