import type { ValueType } from './value-types.ts';

/** Variables as the process got them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What defaults depend on. */
export interface DefaultsContext {
  readonly environment: Environment;
  readonly home: string;
  /** Whether unpackd runs as root. */
  readonly superuser: boolean;
  /** Whether the state directory of the service belongs to this user. */
  readonly ownsServiceState?: boolean;
  /** The value of another option, by key: of one that stands earlier in the table. */
  readonly earlier: (key: string) => unknown;
}

/** A default that depends on the machine: `text` describes it in the help. */
interface ComputedDefault {
  readonly text: string;
  readonly compute: (context: DefaultsContext) => string;
}

/** One setting: as an option of the command line, an environment variable and a key of the configuration file. */
export interface Option {
  /** Name in the file; the long option is `--KEY`, the variable `UNPACKD_KEY`. */
  readonly key: string;
  /** As the help shows it: without `<value>` for a boolean, as `--no-KEY` for one that is true by default. */
  readonly flag: string;
  readonly type: ValueType<unknown>;
  /** As a user would write it; `undefined` where the value stays undefined. */
  readonly default: string | ComputedDefault | undefined;
  readonly group: Group;
  /** One line for the help: what the option does, or what its value is. Of a flag `--no-KEY`, what the flag prevents. */
  readonly summary: string;
  /** Sentences that the documents have in addition, in Markdown. */
  readonly details?: string;
  /** Without a default: what applies while nobody sets it. */
  readonly unset?: string;
  /** A value for the example file, in YAML, where the default is none or depends on the machine. */
  readonly example?: string;
  /** Further environment variables; the option's own comes before them. */
  readonly variables?: readonly string[];
  /** An earlier name, still read as key, variable and flag, and shown nowhere. */
  readonly formerKey?: string;
  /** Refused in the configuration file. */
  readonly notInFile?: true;
}

/** Heading under which the help, the documents and the example file list an option. */
type Group =
  | 'Repository'
  | 'Publishing'
  | 'Batches'
  | 'Image limits'
  | 'Wishlist limits'
  | 'Registries'
  | 'Daemon'
  | 'CernVM-FS server'
  | 'Checking'
  | 'Input and output';

/** The environment variable of an option: `UNPACKD_SKIP_FLAT` for `skip-flat`. */
export function variableOf(key: string): string {
  return `UNPACKD_${key.toUpperCase().replaceAll('-', '_')}`;
}
