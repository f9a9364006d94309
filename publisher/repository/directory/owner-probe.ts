import { closeSync, constants, fchownSync, openSync } from 'node:fs';
import { isOwnerTaken, mayOwn } from '../inode.ts';

/** Kept of a layer that has a million owners: beyond so many they are asked for again. */
const MOST_KNOWN = 10_000;
/** Leaves the user, or the group, as it is: chown(2). */
const AS_IT_IS = -1;

/**
 * Finds out whom files can belong to, on one file system and in this process's user namespace: by giving a file away that
 * has no name any more.
 */
export class OwnerProbe {
  readonly #fd: number;
  readonly #users = new Map<number, boolean>();
  readonly #groups = new Map<number, boolean>();

  /** @param path of a file that is made, and that the caller removes */
  constructor(path: Buffer) {
    this.#fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  }

  takes(uid: number, gid: number): boolean {
    if (!mayOwn(uid, gid)) return false;
    return (
      this.#known(this.#users, uid, () => fchownSync(this.#fd, uid, AS_IT_IS)) &&
      this.#known(this.#groups, gid, () => fchownSync(this.#fd, AS_IT_IS, gid))
    );
  }

  close(): void {
    closeSync(this.#fd);
  }

  #known(answers: Map<number, boolean>, id: number, change: () => void): boolean {
    const known = answers.get(id);
    if (known !== undefined) return known;
    if (answers.size >= MOST_KNOWN) answers.clear();
    const answer = isOwnerTaken(change);
    answers.set(id, answer);
    return answer;
  }
}
