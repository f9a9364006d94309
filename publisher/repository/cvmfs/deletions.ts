import type { BytePath } from '../../../core/system/byte-path.ts';
import type { DeletionRoom } from '../../publication/backend.ts';
import { isSince, type ServerVersion } from './server-command.ts';

/** Paths that go, by who can take them away. */
export interface Deletions {
  /** `cvmfs_server ingest`, in the same step in which it adds. */
  readonly byIngest: readonly BytePath[];
  /** Only a union transaction. */
  readonly byUnion: readonly BytePath[];
}

/** `ingest` hands the paths to a shell without quotes. */
const PLAIN = /^[A-Za-z0-9._/@+=-]+$/;
/** It joined them by colons before 2.13, and by `///` since then: cvmfs/cvmfs#3792. */
const PLAIN_SINCE_2_13 = /^[A-Za-z0-9._/@+=:-]+$/;
const DELIMITER_BYTES = 3;
/** The whole command that the shell is given is one argument, which Linux limits to 128 KiB. */
const LONGEST_BYTES = 96 * 1024;
/**
 * Trees that go at once: before 2.14 every file of theirs is taken out of the catalogs by itself, and the command, which
 * prints nothing meanwhile, must not be taken for one that got stuck.
 */
const MOST_TREES = 500;

/** @param readVersion asked only where the answer depends on it */
export async function divideDeletions(
  paths: readonly BytePath[],
  readVersion: () => Promise<ServerVersion | undefined>,
): Promise<Deletions> {
  const needsVersion = paths.some((path) => path.includes(':'));
  const plain = plainPaths(needsVersion ? await readVersion() : undefined);
  const byIngest: BytePath[] = [];
  const byUnion: BytePath[] = [];
  let bytes = 0;
  for (const path of paths) {
    const fits = plain.test(path) && bytes + weightOf([path]) <= LONGEST_BYTES;
    if (fits) bytes += weightOf([path]);
    (fits ? byIngest : byUnion).push(path);
  }
  return { byIngest, byUnion };
}

/** Room for paths that go in one step: all of them by an ingest, or all of them by a union transaction. */
export class StepRoom implements DeletionRoom {
  readonly #plain: RegExp;
  #leftBytes = LONGEST_BYTES;
  #leftTrees = MOST_TREES;
  /** Whether an ingest takes what has room; `undefined`: nothing has any yet. */
  #isByIngest: boolean | undefined;

  /** @param beside paths that an ingest deletes with them */
  constructor(beside: readonly BytePath[], version: ServerVersion | undefined) {
    this.#plain = plainPaths(version);
    this.#leftBytes -= weightOf(beside);
  }

  take(paths: readonly BytePath[]): boolean {
    const isByIngest = paths.every((path) => this.#plain.test(path));
    const bytes = isByIngest ? weightOf(paths) : 0;
    const isFirst = this.#isByIngest === undefined;
    const fits = this.#isByIngest === isByIngest && this.#leftTrees > 0 && this.#leftBytes >= bytes;
    if (!isFirst && !fits) return false;
    this.#isByIngest = isByIngest;
    this.#leftBytes -= bytes;
    this.#leftTrees--;
    return true;
  }
}

function plainPaths(version: ServerVersion | undefined): RegExp {
  return isSince(version, 2, 13) ? PLAIN_SINCE_2_13 : PLAIN;
}

function weightOf(paths: readonly BytePath[]): number {
  return paths.reduce((sum, path) => sum + path.length + DELIMITER_BYTES, 0);
}
