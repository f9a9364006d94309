import { Failure } from '../../core/failure.ts';
import type { Attributes, DirectoryEntry, Entry, ExtendedAttributes, Slice } from './entry.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import type { FreeRoom } from '../../core/system/free-space.ts';
import type { FilesAside } from './files-aside.ts';
import type { RepositoryCapabilities } from './capabilities.ts';
import type { RepositoryView } from './view.ts';

/** Everything that is to change in a repository, at once. */
export interface Publication {
  /** Published trees and files that go. None of them is also in the stream. */
  readonly deletions: readonly BytePath[];
  /**
   * Published trees and files that nothing refers to once the names are there: they go after them. As with
   * {@link deletions}, none of them is in the stream.
   */
  readonly outdated: readonly BytePath[];
  /** Trees: parents before children, files before the links to them. Nothing in them is reachable by a public name yet. */
  readonly trees: () => AsyncIterable<Slice>;
  /** Entries that make the trees visible, after them: metadata, records, and public names last. */
  readonly names: readonly Entry[];
  /** Extended attributes of what the trees bring; `undefined`: there are none. */
  readonly xattrs: (() => AsyncIterable<ExtendedAttributes>) | undefined;
  /**
   * Published directories that get other attributes, when all else is done: where the capabilities say that the stream
   * does not change them.
   */
  readonly directories?: readonly DirectoryEntry[];
  /** Bytes of all files in the stream, for the display of progress. */
  readonly contentBytes: number;
  /** New files, folders, symbolic links and devices, for what is known of them before. */
  readonly inodes: number;
}

/** Room for paths that one publication deletes. */
export interface DeletionRoom {
  /** Takes room for a tree with all that goes with it; false where that is for another publication. The first has room. */
  take(paths: readonly BytePath[]): boolean;
}

/** Changes nothing. */
export const EMPTY_PUBLICATION: Publication = {
  deletions: [],
  outdated: [],
  trees: async function* () {},
  names: [],
  xattrs: undefined,
  contentBytes: 0,
  inodes: 0,
};

/** Another program has published since the repository was opened: what was composed from its view may be wrong. */
export class RepositoryOvertaken extends Failure {
  constructor(repository: string) {
    super('repository-busy', `another program has published in ${repository} meanwhile`, {
      hint: 'let one program at a time publish in it',
    });
  }
}

/** A repository that is held by this process: no other unpackd writes it until it is released. */
export interface OpenRepository {
  readonly view: RepositoryView;
  /** Limits of what may be published. */
  readonly capabilities: RepositoryCapabilities;
  /**
   * Makes `publication` visible, all of it or nothing, and returns when it is.
   *
   * @throws Failure `repository-unusable`, `repository-conflict`, `disk-full`, `interrupted`, `repository-busy`
   *   (as {@link RepositoryOvertaken} where it helps to compose it again): then nothing has changed
   */
  publish(publication: Publication, options: PublishOptions): Promise<void>;
  /** Room for what the next publication deletes: all of it goes in one step then. */
  deletionRoom(): Promise<DeletionRoom>;
  /**
   * Lets the server free the storage of what no revision that is kept has any more, where the repository allows that.
   *
   * @returns false where it does not, or keeps no revisions
   * @throws Failure `repository-unusable`, `repository-busy`, `interrupted`: what is published is as before
   */
  freeStorage(options: Pick<PublishOptions, 'signal'>): Promise<boolean>;
  /** The number that the repository has for what is published now; `undefined` where it does not count. */
  revision(): number | undefined;
  release(): Promise<void>;
}

export interface PublishOptions {
  readonly onBytes: (bytes: number) => void;
  /**
   * Gets the time, in ms, for which the server had nothing to read because the publication was not composed yet; in parts,
   * and never where there is no server.
   */
  readonly onInputWait?: (waitMs: number) => void;
  readonly signal: AbortSignal;
}

/** Reports on a repository in use: waiting, recovery, losses. */
export type Notice = (kind: 'note' | 'warning' | 'waiting', message: string) => void;

export interface OpenOptions {
  readonly notice: Notice;
  readonly signal: AbortSignal;
}

/** Options for taking a repository, for any purpose. */
export interface TakeOptions extends Pick<OpenOptions, 'notice'> {
  /** Longest wait for another holder. */
  readonly waitMs: number;
  readonly signal?: AbortSignal;
}

/** A way of keeping repositories. All methods throw `repository-unusable` where this machine has no such repository. */
export interface Backend {
  /** Clients expand variables in the targets of symbolic links. */
  readonly expandsLinks: boolean;
  /** False for files that are never links to published ones, whatever the repository can hold. */
  mayShare(attributes: Attributes): boolean;
  /**
   * A place on the disk of the repository for what is likely to be published there, from which it need not be copied;
   * `undefined` where there is none.
   */
  filesAside(name: string, notice: Notice): Promise<FilesAside | undefined>;
  /** Opens a view of the published state, without taking the repository. */
  view(name: string): RepositoryView;
  /** Returns the free room: a publication that needs more must not begin. */
  room(name: string): FreeRoom;
  /** Clears up what a crash of an earlier run left; does nothing where somebody is writing. */
  recover(name: string, notice: Notice): Promise<void>;
  /**
   * Takes the repository for writing, and clears up as {@link recover} does.
   *
   * @throws Failure `repository-busy` where another writer holds it longer than the limit
   */
  open(name: string, options: OpenOptions): Promise<OpenRepository>;
}
