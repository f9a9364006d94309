import type { Failure } from '../../core/failure.ts';
import type { Commit } from '../recipe/origin.ts';
import type { Confinement } from '../recipe/confinement.ts';
import type { Recipe } from '../recipe/recipe.ts';
import type { GitAddress } from './git/address.ts';

/** A place that wishlists come from, with the secrets that it needs. */
export type SourceSettings = (GitSource | FileSource | UrlSource) & {
  /** What its wishes may ask for; without it, for anything. */
  readonly confinement?: Confinement;
};

/** Recipes in a git repository. */
export interface GitSource {
  readonly kind: 'git';
  /** Each source has another one; people see it. */
  readonly name: string;
  readonly address: GitAddress;
  /** `undefined` for the one that the repository itself names, whichever that is at the time. */
  readonly branch: string | undefined;
  /** Of recipes, relative to the repository's root, without `.` and `..`: at least one. */
  readonly paths: readonly string[];
  /** For HTTP. */
  readonly login: { readonly user: string; readonly password: string } | undefined;
  /** Path of a private key for SSH; `undefined` for those that the user has. */
  readonly key: string | undefined;
  /**
   * Path of a file with the keys of SSH servers. Without one a server is believed the first time, and must show the
   * same key ever after.
   */
  readonly knownHosts: string | undefined;
  /** Path of a PEM file with the authorities that HTTPS servers need, in place of the system's. */
  readonly authorities: string | undefined;
}

/** One recipe on this machine. */
export interface FileSource {
  readonly kind: 'file';
  readonly name: string;
  /** Absolute. */
  readonly path: string;
}

/** One recipe on a web server. */
export interface UrlSource {
  readonly kind: 'url';
  readonly name: string;
  /** `https:` or `http:`, without credentials. */
  readonly url: string;
  /** Basic, or without a user a bearer token. */
  readonly login: { readonly user: string | undefined; readonly password: string } | undefined;
  /** Path of a PEM file with the authorities that HTTPS servers need, in place of the system's. */
  readonly authorities: string | undefined;
}

/** What a source says, as far as is known. Times are in ISO 8601, in UTC. */
export interface SourceState {
  readonly name: string;
  /** The last that was good; `undefined` where there never was any: what the source asks for is unknown. */
  readonly content: SourceContent | undefined;
  /** When the source was last found to say so. */
  readonly fetchedAt: string | undefined;
  /** Why the last try failed; where there is content, it may be stale. */
  readonly failure: Failure | undefined;
  /** When the first of the tries failed that have failed since the last good one. */
  readonly failingSince: string | undefined;
}

/** What is in force of a source. */
export interface SourceContent {
  /** In the order of the settings. Each wish has its origin. */
  readonly recipes: readonly Recipe[];
  readonly commit: Commit | undefined;
  /** When it was read for the first time. */
  readonly since: string;
}

/** What was read from a source, and is no recipe yet. */
export interface Fetched {
  readonly files: readonly SourceFile[];
  readonly commit?: Commit | undefined;
  /** What a web server wants to hear again, so that it needs not send the same once more. */
  readonly validators?: Validators | undefined;
}

export interface SourceFile {
  /** As people know it, for messages. */
  readonly label: string;
  readonly text: string;
}

/** RFC 9110, section 8.8: header fields, as the server wrote them. */
export interface Validators {
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
}

/** How sources are asked. */
export interface SourceLimits {
  /** For what programs and proxies are wanted: `PATH`, `HTTPS_PROXY` and the like. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** How long one source may take for each thing that it is asked. */
  readonly timeLimitMs: number;
  /** Of what a git repository sends at once, and of its clone. */
  readonly sizeLimitBytes: number;
  /** Its reason is thrown. */
  readonly signal: AbortSignal | undefined;
}
