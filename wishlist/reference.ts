/** How an image is named: `[SCHEME://]REGISTRY/REPOSITORY[:TAG][@DIGEST]`. */
export interface ImageReference {
  /** `http` only where the wish says so: it allows plain HTTP to that registry. */
  readonly scheme: 'https' | 'http';
  /** Host as written, with its port: part of the public name. */
  readonly registry: string;
  /** Path below the registry, without leading or trailing slash, such as `library/debian`. */
  readonly repository: string;
  /** A tag, or a pattern of tags where it holds a `*`; `undefined` where only a digest is given. */
  readonly tag: string | undefined;
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string | undefined;
}
