import type { BytePath } from '../../../core/system/byte-path.ts';
import { isSince, type ServerVersion } from './server-command.ts';

/** Paths that go, by who can take them away. */
export interface Deletions {
  /** `cvmfs_server ingest`, in the same step in which it adds. */
  readonly byIngest: readonly BytePath[];
  /** Only a union transaction. */
  readonly byUnion: readonly BytePath[];
}

/** Asked only where the answer depends on it. */
type ReadVersion = () => Promise<ServerVersion | undefined>;

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
const MOST_GROUPS = 500;

export async function divideDeletions(
  paths: readonly BytePath[],
  readVersion: ReadVersion,
): Promise<Deletions> {
  const plain = await plainPaths(paths, readVersion);
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

/**
 * The number of `groups`, from the first, that go at once without paths being left over for another step: what an ingest
 * takes, or what only a union transaction takes.
 *
 * @param beside paths that an ingest deletes with them
 */
export async function fittingGroups(
  groups: readonly (readonly BytePath[])[],
  beside: readonly BytePath[],
  readVersion: ReadVersion,
): Promise<number> {
  const plain = await plainPaths(groups.flat(), readVersion);
  const isPlain = (group: readonly BytePath[]): boolean => group.every((path) => plain.test(path));
  const [first] = groups;
  const isFirstPlain = first !== undefined && isPlain(first);
  let bytes = weightOf(beside);
  const end = groups.findIndex((group, index) => {
    bytes += weightOf(group);
    const isOver = index >= MOST_GROUPS || (isFirstPlain && bytes > LONGEST_BYTES);
    return index > 0 && (isOver || isPlain(group) !== isFirstPlain);
  });
  return end === -1 ? groups.length : end;
}

async function plainPaths(paths: readonly BytePath[], readVersion: ReadVersion): Promise<RegExp> {
  const takesColons = paths.some((path) => path.includes(':')) && isSince(await readVersion(), 2, 13);
  return takesColons ? PLAIN_SINCE_2_13 : PLAIN;
}

function weightOf(paths: readonly BytePath[]): number {
  return paths.reduce((sum, path) => sum + path.length + DELIMITER_BYTES, 0);
}
