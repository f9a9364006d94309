import { isRoot } from './programs.ts';

const FOR_ROOT_ALONE = /only root can|this user (?:may not|cannot)|from root alone/;

/** Lines without what an ordinary user is told of each image: what of it only root can keep. */
export function ofAnyUser(lines: readonly string[]): string[] {
  return isRoot() ? [...lines] : lines.filter((line) => !FOR_ROOT_ALONE.test(line));
}
