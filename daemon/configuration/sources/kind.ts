import type { WishlistSource } from '../../../wishlist/sources/source.ts';
import type { MappingReader } from '../mapping-reader.ts';
import type { Located } from '../value-types.ts';
import type { Environment } from '../options.ts';
import type { SecretReference } from '../secret-reference.ts';

/**
 * A kind of wishlist source: how an entry under `sources:` is read, shown and checked, and the source that it opens. A new
 * kind is one of these, and a line in the list of `kinds.ts`.
 */
export interface SourceKind<Key extends string = string, Settings extends SourceSettings = SourceSettings> {
  /** Those of its own; the first one has the address of the source, and so tells the kind of an entry. */
  readonly keys: readonly [kind: Key, ...others: Key[]];
  /** Stands for the address in messages: `PATH`. */
  readonly placeholder: string;
  /** Whether the operator writes its wishes, so that they are trusted with more. */
  readonly isOperators: boolean;
  /** Checks the form of an entry, and reads neither files nor variables; reports what is wrong to the reader. */
  parse(reader: MappingReader<Key>): Settings | undefined;
  /** The settings by their keys, with the places of secrets. */
  describe(settings: Settings): Description;
  /** What `config check` looks for on this machine. */
  needs?(settings: Settings): Needs;
  /** Reads the secrets, and loads what fetching takes; what is wrong goes to `problems`. */
  open(settings: Settings, opening: Opening): Promise<WishlistSource>;
}

export interface SourceSettings {
  /** People see it, where the entry has no `name`. */
  readonly name: string;
}

/** An entry under `sources:`, with the settings of its kind. */
export interface SourceEntry extends SourceSettings, ConfinementEntry {
  readonly kind: string;
  /** Where it begins in the configuration file, from 1. */
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
  /** What may come later: the source fails until then. */
  readonly place?: Located<string> | undefined;
  readonly secret?: Located<SecretReference> | undefined;
  /** Where the secret goes over plain HTTP. */
  readonly plainHost?: string | undefined;
  /** A PEM file of certificates. */
  readonly authorities?: Located<string> | undefined;
  readonly sshKey?: Located<string> | undefined;
  readonly knownHosts?: Located<string> | undefined;
}

export interface Opening {
  /** The configuration file. */
  readonly file: string;
  readonly environment: Environment;
  readonly problems: string[];
}
