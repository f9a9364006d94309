import type { ValueType } from './value-types.ts';

/** Variables of the process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Input of computed defaults. */
export interface DefaultsContext {
  readonly environment: Environment;
  readonly home: string;
  readonly superuser: boolean;
  /** Set for the user that the service's state directory belongs to. */
  readonly ownsServiceState?: boolean;
  /** The value of an option earlier in the table, by key. */
  readonly earlier: (key: string) => unknown;
}

/** A default that depends on the machine; `text` describes it in the help. */
interface ComputedDefault {
  readonly text: string;
  readonly compute: (context: DefaultsContext) => string;
}

/** A setting: an option of the command line, an environment variable and a key of the configuration file. */
export interface Option {
  /** Name in the file; the long option is `--KEY`, the variable `UNPACKD_KEY`. */
  readonly key: string;
  /** The letter of the short option. */
  readonly short?: string;
  readonly type: ValueType<unknown>;
  /** Replaces the argument of the type. */
  readonly argument?: string;
  /** As a user would write it. */
  readonly default?: string | ComputedDefault;
  /** One line for the help: the effect of the option, or the meaning of its value; of `--no-KEY`, the effect it prevents. */
  readonly summary: string;
  /** Further sentences for the documents, in Markdown. */
  readonly details?: string;
  /** Without a default: describes the behavior while unset. */
  readonly unset?: string;
  /** YAML for the example file, if there is no fixed default. */
  readonly example?: string;
  /** Further environment variables; the option's own takes precedence. */
  readonly variables?: readonly string[];
  /** An earlier name, still read as key, variable and flag, and shown nowhere. */
  readonly formerKey?: string;
  /** Refused in the configuration file. */
  readonly notInFile?: true;
}

/** Options by their names in the configuration, by headings of the documents and the example file. */
export type OptionGroups = Readonly<Record<string, Readonly<Record<string, Option>>>>;

/** `-t` and `--temporary-dir`; `--no-KEY` for a boolean that is true by default. */
export function flagsOf({ key, short, default: usual }: Option): readonly string[] {
  const long = usual === 'true' ? `--no-${key}` : `--${key}`;
  return short === undefined ? [long] : [`-${short}`, long];
}

/** The name of the value, such as `dir`; `undefined` for an option without one. */
export function argumentOf({ argument, type }: Option): string | undefined {
  return argument ?? type.argument;
}

/** `-t, --temporary-dir <dir>` */
export function synopsisOf(option: Option): string {
  const argument = argumentOf(option);
  return `${flagsOf(option).join(', ')}${argument === undefined ? '' : ` <${argument}>`}`;
}

/** The environment variable of an option: `UNPACKD_SKIP_FLAT` for `skip-flat`. */
export function variableOf(key: string): string {
  return `UNPACKD_${key.toUpperCase().replaceAll('-', '_')}`;
}
