import type { WishlistSource } from '../../../wishlist/sources/source.ts';
import type { MappingReader } from '../mapping-reader.ts';
import type { Located } from '../value-types.ts';
import type { Environment } from '../options.ts';
import type { SecretReference } from '../secret-reference.ts';

/**
 * A kind of wishlist source: reads, shows and checks an entry under `sources:`, and opens its source. A new kind is an object
 * of this type, and a line in the list of `kinds.ts`.
 */
export interface SourceKind<Key extends string = string, Settings extends SourceSettings = SourceSettings> {
  /** Its own keys; the first one holds the address of the source, and names the kind. */
  readonly keys: readonly [kind: Key, ...others: Key[]];
  /** Stands for the address in messages: `PATH`. */
  readonly placeholder: string;
  /** The operator writes its wishes, so that they are trusted with more. */
  readonly isOperators: boolean;
  /** Parses an entry, without reading files or variables; reports problems to the reader. */
  parse(reader: MappingReader<Key>): Settings | undefined;
  /** The settings by their keys, with the places of secrets. */
  describe(settings: Settings): Description;
  /** Files and programs on this machine, for `config check`. */
  needs?(settings: Settings): Needs;
  /** Reads the secrets, and loads the modules that fetch; problems go to `problems`. */
  open(settings: Settings, opening: OpeningContext): Promise<WishlistSource>;
}

export interface SourceSettings {
  /** People see it, where the entry has no `name`. */
  readonly name: string;
}

/** An entry under `sources:`, with the settings of its kind. */
export interface SourceEntry extends SourceSettings, ConfinementEntry {
  readonly kind: string;
  /** Its first line in the configuration file, from 1. */
  readonly line: number;
}

/** Limits on its wishes. */
export interface ConfinementEntry {
  readonly repositories: readonly string[] | undefined;
  /** Patterns as `matchesRegistry` reads them. */
  readonly registries: readonly string[] | undefined;
  readonly subdirectory: string | undefined;
  readonly allowHttp: boolean | undefined;
  readonly limit: number | undefined;
}

export type Description = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface Needs {
  readonly program?: Located<string>;
  /** May be missing for now: the source fails until it is there. */
  readonly place?: Located<string> | undefined;
  readonly secret?: Located<SecretReference> | undefined;
  /** The address, if the secret goes there over plain HTTP. */
  readonly plainHost?: string | undefined;
  /** A PEM file of certificates. */
  readonly authorities?: Located<string> | undefined;
  readonly sshKey?: Located<string> | undefined;
  readonly knownHosts?: Located<string> | undefined;
}

export interface OpeningContext {
  /** The configuration file. */
  readonly file: string;
  readonly environment: Environment;
  readonly problems: string[];
}
