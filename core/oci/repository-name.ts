/** As `cvmfs_server mkfs` allows it; `..` is excluded because the name becomes part of a path. */
const REPOSITORY_NAME = /^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]{0,59}$/;

/** Returns true for a valid name of a CVMFS repository, such as `unpacked.example.org`. */
export function isRepositoryName(text: string): boolean {
  return REPOSITORY_NAME.test(text);
}
