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
  /** For the help: without `<value>` for a boolean, `--no-KEY` for one that is true by default. */
  readonly flag: string;
  readonly type: ValueType<unknown>;
  /** As a user would write it; `undefined` for none. */
  readonly default: string | ComputedDefault | undefined;
  readonly group: Group;
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

/** Headings in the help, the documents and the example file. */
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
