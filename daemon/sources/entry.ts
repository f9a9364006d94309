import type { FileSource, GitSource, UrlSource } from '../../wishlist/sources/source.ts';
import type { Located } from '../mapping-reader.ts';
import type { Source as SecretPlace } from '../registries/source.ts';

/** What the configuration file says of one source. The form is checked; files and variables are not read yet. */
export type SourceEntry = GitEntry | FileSource | UrlEntry;

export interface GitEntry extends Omit<GitSource, 'login'> {
  readonly login:
    { readonly user: Located<SecretPlace>; readonly password: Located<SecretPlace> } | undefined;
}

export interface UrlEntry extends Omit<UrlSource, 'login'> {
  /** A password without a user is a token. */
  readonly login:
    { readonly user: Located<SecretPlace> | undefined; readonly password: Located<SecretPlace> } | undefined;
}
