import type { Entry, FileEntry } from '../../../../publisher/publication/entry.ts';
import type { FailureCode } from '../../../../core/failure.ts';

/** An entry as JSON can hold it: the content of a file is text. */
export type PlainEntry =
  Exclude<Entry, { type: 'file' }> | (Omit<FileEntry, 'content'> & { readonly content: string });

/** What another process is to publish, one publication after the other. */
export interface Request {
  readonly root: string;
  readonly name: string;
  readonly publications: readonly {
    readonly entries: readonly PlainEntry[];
    readonly deletions: readonly string[];
    readonly xattrs: readonly { readonly path: string; readonly values: Readonly<Record<string, string>> }[];
  }[];
}

export interface Result {
  readonly said: readonly string[];
  /** Of the failure that ended it. */
  readonly code: FailureCode | undefined;
}
