import type { BytePath } from '../repository/entry.ts';

/** Names by which CernVM-FS takes orders, in any place of a path; a device of such a name ends an ingest. */
const RESERVED = /(^|\/)(\.wh\.)?\.cvmfs(catalog|dirtab|graft-[^/]*)(\/|$)/;

/** Whether `path` is, lies below, or deletes something that CernVM-FS would act on. */
export function isCvmfsReserved(path: BytePath): boolean {
  return path.includes('.cvmfs') && RESERVED.test(path);
}
