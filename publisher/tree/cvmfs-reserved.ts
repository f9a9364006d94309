import type { BytePath } from '../../core/system/byte-path.ts';

/**
 * Names by which CernVM-FS takes orders, in any place of a path. Its publisher makes a catalog of `.cvmfscatalog`, lets
 * `.cvmfsautocatalog` be the sign of one that it may dissolve, and replaces a file by what `.cvmfsgraft-<file>` says.
 * `.cvmfsbundles` anywhere but at the repository's root, and most of the others as a device, a link or a folder, end an
 * ingest. Clients fetch what `.cvmfsbundle-<file>` lists (from 2.14). All other names that begin with `.cvmfs` mean
 * something outside catalogs alone.
 */
const RESERVED = /(^|\/)(\.wh\.)?\.cvmfs(catalog|autocatalog|dirtab|bundles|graft-[^/]*|bundle-[^/]*)(\/|$)/;

/** Reports whether `path` is, lies below, or deletes something that CernVM-FS would act on. */
export function isCvmfsReserved(path: BytePath): boolean {
  return path.includes('.cvmfs') && RESERVED.test(path);
}
