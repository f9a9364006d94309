import type { FileEntry } from './entry.ts';

/** What a {@link FileEntry} has of a file whose content is there already. */
export type ContentAside = Pick<FileEntry, 'content' | 'movable'>;

/** Contents of files that are likely to be published, written before anybody knows. One is written at a time. */
export interface FilesAside {
  /** Adds to the file that is being written, or begins one. @throws an error of the system */
  write(chunk: Uint8Array): void;
  /** Ends the file. The first one that is kept is number 0. @throws an error of the system */
  keep(digest: Buffer): void;
  /** Forgets the file that is being written, if any. @throws an error of the system */
  drop(): void;
  /**
   * The content of a file that was kept.
   *
   * @throws Failure while it is read, where it is not what was written: then none is to be read any more
   */
  at(number: number): ContentAside;
  /** Gives up all that is not published. */
  close(): Promise<void>;
}
