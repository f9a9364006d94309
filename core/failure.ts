/**
 * The kinds of failure that an operator can meet. Closed: a new one is added here, with its meaning, and documented
 * in docs/errors.md. Tests assert these codes, never the wording.
 */
export type FailureCode =
  // what people wrote
  | 'recipe-unreadable' // the recipe file cannot be opened or is not valid YAML
  | 'recipe-invalid' // it is YAML but no recipe
  | 'reference-invalid' // an image reference that does not parse
  | 'platform-invalid' // a platform that does not parse, or cannot be published
  | 'pattern-invalid' // an entry of a list of tags that is not a tag, glob or range of versions
  | 'setting-invalid' // a setting of an image, or of a recipe for all of them, that cannot be used
  | 'pattern-unmatched' // a tag pattern that no tag of the repository matches
  | 'pattern-too-wide' // a tag pattern that matches more tags than allowed
  | 'not-allowed' // a wish for what its source, or nobody, may ask for
  | 'name-conflict' // another image has the public name that this one would get
  | 'configuration-invalid' // an option, environment variable or configuration file entry is wrong
  | 'argument-unknown' // an argument names a repository or an image that nobody knows
  | 'still-wanted' // an image that is to be removed, and that a line asks for
  // where wishlists come from
  | 'source-unreachable' // no connection to it, none that lasts, or no end within its time limit
  | 'source-untrusted' // its server shows another key or certificate than it should
  | 'source-unauthorized' // credentials or a key are missing or refused
  | 'source-invalid' // no such repository, branch or file there, or one that cannot be a recipe
  // what registries answer
  | 'registry-unreachable' // no connection, or one that is cut
  | 'registry-timeout' // no connection, no answer or no whole body within its time limit
  | 'dns-failed' // the host name cannot be looked up
  | 'address-refused' // the host has no public address, and only such may be asked
  | 'tls-failed' // no secure connection, such as a certificate that nobody trusted has signed
  | 'registry-error' // an answer that makes no sense, or 5xx
  | 'rate-limited' // 429
  | 'unauthorized' // 401: credentials are missing or refused
  | 'forbidden' // 403
  | 'credentials-unavailable' // a credential helper failed, or a file with a secret cannot be read
  | 'image-unknown' // no such repository
  | 'tag-unknown' // the repository has no such tag or digest
  | 'blob-unknown' // the registry lacks a blob that its own manifest names
  | 'platform-missing' // an index without the platform asked for
  | 'manifest-invalid' // manifest or config that breaks its schema
  | 'media-type-unsupported' // not a container image, or a layer in a form that we cannot unpack
  // what the bytes are
  | 'digest-mismatch' // bytes whose digest or size is not the one promised
  | 'layer-corrupt' // a layer that does not decompress, or is not a tar archive
  | 'layer-refused' // a layer that is readable but must not be unpacked
  | 'image-too-large' // an image that demands more than its limits allow
  // where they go
  | 'image-incomplete' // the repository cannot hold all of the image
  | 'image-unpublishable' // the repository, or the state directory, takes other images, but not this one
  | 'layer-vanished' // what was known or published of a layer was removed while its image was on its way
  | 'gc-failed' // cvmfs_server did not free the storage of what was taken away
  | 'killed-process' // the process died of it, again and again
  | 'repository-unusable' // it does not exist, may not be written, or its server failed
  | 'repository-busy' // another writer holds it
  | 'repository-conflict' // what is published there already cannot be replaced by what belongs there
  | 'disk-full'
  | 'state-unusable' // the state directory cannot be used
  | 'interrupted' // a signal ended the run
  // what nobody expected
  | 'bug'; // an error other than a Failure: a mistake in unpackd

/**
 * An error that a user or operator can meet and act on. Programmers' mistakes are plain `Error`s, until they become what
 * an image failed for.
 *
 * `message` says what failed, for which value, and why; `hint` says what to do.
 */
export class Failure extends Error {
  readonly code: FailureCode;
  readonly hint: string | undefined;

  constructor(
    code: FailureCode,
    message: string,
    options: { hint?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Failure';
    this.code = code;
    this.hint = options.hint;
  }
}

/** Returns true for a {@link Failure} with one of `codes`; with none given, for any failure. */
export function isFailure(error: unknown, ...codes: FailureCode[]): error is Failure {
  return error instanceof Failure && (codes.length === 0 || codes.includes(error.code));
}

/** Calls `read`; `undefined` if it throws a failure with this code. */
export function orUndefined<Value>(code: FailureCode, read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (isFailure(error, code)) return undefined;
    throw error;
  }
}

/** `MESSAGE; HINT`: what is wrong, and what to do where anybody knows. */
export function withHint({ message, hint }: { message: string; hint: string | undefined }): string {
  return hint === undefined ? message : `${message}; ${hint}`;
}

/** `error` as a failure, so that nobody on its way takes it for one of his own system calls. */
export function asFailure(error: unknown): Failure {
  if (isFailure(error)) return error;
  return new Failure('bug', `something unexpected happened: ${messageOf(error)}`, {
    hint: 'please report it, with the lines of the log that say where',
    cause: error,
  });
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Returns the stack of an error; of a bug, that of its cause. Bounded: by causes that we set. */
export function stackOf(error: unknown): string {
  if (isFailure(error, 'bug') && error.cause !== undefined) return stackOf(error.cause);
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
