import {
  NO_EXPOSURE,
  EARLIEST_TIME,
  LATEST_TIME,
  LINUX_LIMITS,
  type RepositoryCapabilities,
} from '../../publication/capabilities.ts';
import type { CvmfsRepository } from './installation.ts';

/** A catalog takes no longer value: one of 256 bytes becomes an empty one, and those beyond are left out. */
const LONGEST_VALUE_BYTES = 255;

/**
 * `ingest` makes one object of each file, however large, which clients and proxies fetch and keep whole. This is the limit
 * that CernVM-FS itself warns of: cvmfs/swissknife_sync.h, `kDefaultFileMbyteLimit`.
 */
const LARGE_FILE_BYTES = 1024 ** 3;

/** Capabilities of a CernVM-FS repository: it holds everything but some extended attributes. */
export class CvmfsCapabilities implements RepositoryCapabilities {
  readonly longestNameBytes = LINUX_LIMITS.longestNameBytes;
  readonly longestTargetBytes = LINUX_LIMITS.longestTargetBytes;
  readonly longestPathBytes: number;
  readonly earliestTime = EARLIEST_TIME;
  readonly latestTime = LATEST_TIME;
  readonly largeFileBytes = LARGE_FILE_BYTES;
  readonly mostLinks = Infinity;
  readonly takesAnyBytes = true;
  readonly takesDevices = true;
  /** Ingest leaves them as they are; in the union mount those of images are root's. */
  readonly changesDirectories = process.getuid?.() === 0 ? 'apart' : 'never';
  /** Clients mount repositories with `nosuid` and `nodev`. A release manager does not: `config check` says so. */
  readonly exposes = NO_EXPOSURE;
  readonly xattrsReason: string;
  readonly #includesXattrs: boolean;

  constructor({ name, mount, includesXattrs }: CvmfsRepository) {
    this.longestPathBytes = LINUX_LIMITS.longestPathBytes - Buffer.byteLength(`${mount}/`);
    this.#includesXattrs = includesXattrs;
    this.xattrsReason = includesXattrs
      ? `CernVM-FS takes values of up to ${LONGEST_VALUE_BYTES} bytes, and security.… and trusted.… from root alone`
      : `${name} has no CVMFS_INCLUDE_XATTRS=true in its server.conf`;
  }

  /** Each name has a row of its own, and nobody writes to what is published. */
  sharesFiles(): boolean {
    return true;
  }

  /** Ingest keeps them, whoever runs it. */
  takesOwner(): boolean {
    return true;
  }

  lostXattrs(values: ReadonlyMap<string, string>): string[] {
    return [...values].filter(([name, value]) => !this.#takes(name, value)).map(([name]) => name);
  }

  #takes(name: string, value: string): boolean {
    if (!this.#includesXattrs || value.length > LONGEST_VALUE_BYTES) return false;
    return process.getuid?.() === 0 || name.startsWith('user.');
  }
}
