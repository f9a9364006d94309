import type { FileSource, GitSource, UrlSource } from '../../wishlist/sources/source.ts';
import type { Located } from './mapping-reader.ts';
import type { Source as SecretPlace } from './registry-source.ts';

/** What the configuration file says of one source. The form is checked; files and variables are not read yet. */
export type SourceEntry = (GitEntry | FileEntry | UrlEntry) &
  ConfinementEntry & {
    /** Where it begins in the configuration file, from 1. */
    readonly line: number;
  };

export interface GitEntry extends Omit<
  GitSource,
  'address' | 'login' | 'key' | 'knownHosts' | 'authorities'
> {
  readonly address: Located<GitSource['address']>;
  readonly login:
    { readonly user: Located<SecretPlace>; readonly password: Located<SecretPlace> } | undefined;
  readonly key: Located<string> | undefined;
  readonly knownHosts: Located<string> | undefined;
  readonly authorities: Located<string> | undefined;
}

export interface FileEntry extends Omit<FileSource, 'path'> {
  readonly path: Located<string>;
}

export interface UrlEntry extends Omit<UrlSource, 'login' | 'authorities'> {
  /** A password without a user is a token. */
  readonly login:
    { readonly user: Located<SecretPlace> | undefined; readonly password: Located<SecretPlace> } | undefined;
  readonly authorities: Located<string> | undefined;
}

/** What its wishes may ask for. */
export interface ConfinementEntry {
  readonly repositories: readonly string[] | undefined;
  /** Patterns as `matchesRegistry` reads them. */
  readonly registries: readonly string[] | undefined;
  readonly subdirectory: string | undefined;
  readonly allowHttp: boolean | undefined;
  readonly limit: number | undefined;
}
