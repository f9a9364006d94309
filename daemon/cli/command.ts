import type { Context, InspectionContext } from '../output/context.ts';
import type { ExitStatus } from '../output/exit-status.ts';
import type { OptionKey } from '../configuration/options.ts';

/** One command of unpackd, as the command line offers it. */
export interface CommandDescription {
  /** Such as `convert`, or `wishlist check` for a command in a group. */
  readonly name: string;
  /** Further names, such as DUCC's. */
  readonly aliases?: readonly string[];
  /** One line, beginning with a verb, without a full stop. */
  readonly summary: string;
  readonly arguments: readonly Argument[];
  /** At least one; the first is shown in the general help too. */
  readonly examples: readonly [Example, ...Example[]];
  /** The options that its help shows first; it gets all of them in any case. */
  readonly options: readonly OptionKey[];
}

/** A command that works with the configuration. */
export interface Command extends CommandDescription {
  /** Whether it only looks, so that it works with what is right in a configuration file that is wrong. */
  readonly survivesBrokenFile?: true;
  /**
   * @throws Failure where the run cannot go on: it is reported, and the exit status follows from its code. Failures of
   * single images are events, not exceptions.
   */
  readonly run: (context: Context) => Promise<ExitStatus>;
}

/** A command about the configuration itself: it reads it on its own, and runs also where that is wrong. */
export interface ConfigurationCommand extends CommandDescription {
  readonly inspect: (context: InspectionContext) => Promise<ExitStatus>;
}

export interface Argument {
  /** As the help shows it, in capitals. */
  readonly name: string;
  readonly description: string;
  /** Whether any number of them may follow, also none. Only the last argument may be so. */
  readonly variadic?: true;
  /** Whether it may be left out; only the last one may. */
  readonly optional?: true;
}

export interface Example {
  /** Such as `unpackd convert recipe.yaml`. */
  readonly line: string;
  readonly meaning: string;
}
