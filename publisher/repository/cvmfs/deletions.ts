import type { BytePath } from '../../../core/system/byte-path.ts';
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

/** @param readVersion asked only where the answer depends on it */
export async function divideDeletions(
  paths: readonly BytePath[],
  readVersion: () => Promise<ServerVersion | undefined>,
): Promise<Deletions> {
  const takesColons = paths.some((path) => path.includes(':')) && isSince(await readVersion(), 2, 13);
  const plain = takesColons ? PLAIN_SINCE_2_13 : PLAIN;
  const byIngest: BytePath[] = [];
  const byUnion: BytePath[] = [];
  let bytes = 0;
  for (const path of paths) {
    const more = path.length + DELIMITER_BYTES;
    const fits = plain.test(path) && bytes + more <= LONGEST_BYTES;
    if (fits) bytes += more;
    (fits ? byIngest : byUnion).push(path);
  }
  return { byIngest, byUnion };
}
