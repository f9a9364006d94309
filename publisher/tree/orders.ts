import type { BytePath } from '../repository/entry.ts';

/** Names by which CernVM-FS takes orders, in any place of a path; a device of such a name ends an ingest. */
const ORDERS = /(^|\/)(\.wh\.)?\.cvmfs(catalog|dirtab|graft-[^/]*)(\/|$)/;

/** Whether `path` is, lies below, or deletes something that CernVM-FS would act on: an image must not give orders. */
export function isOrder(path: BytePath): boolean {
  return path.includes('.cvmfs') && ORDERS.test(path);
}
