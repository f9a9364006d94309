import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { codeOf, hasCode } from '../system-error.ts';
import { formatBytes } from '../text.ts';

/** Bytes that this user may still write on the file system of `path`, or where it would be; `undefined` where nobody can say. */
export function freeBytes(path: string): number | undefined {
  return freeRoom(path).bytes;
}

/** The same, with how many files there may still be. Bounded: by the path. */
export function freeRoom(path: string): FreeRoom {
  try {
    const { bavail, bfree, bsize, files, ffree } = statfsSync(path);
    const bytes = bsize * (process.geteuid?.() === 0 ? bfree : bavail);
    // Some file systems count none.
    return { bytes, inodes: files === 0 ? undefined : ffree };
  } catch (error) {
    if (hasCode(error, 'ENOENT') && dirname(path) !== path) return freeRoom(dirname(path));
    if (codeOf(error) === undefined) throw error;
    return { bytes: undefined, inodes: undefined };
  }
}

/** Size of the file system of `path`, with what ordinary users may still write; `undefined` if it cannot be determined. */
export function diskSpace(
  path: string,
): { readonly freeBytes: number; readonly sizeBytes: number } | undefined {
  try {
    const { bavail, blocks, bsize } = statfsSync(path);
    return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize };
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return undefined;
  }
}

/** A twentieth of a disk stays free, and no more than 1 GiB. */
const LARGEST_RESERVE_BYTES = 1024 ** 3;

/** Bytes of the file system of `path` that nothing from outside may fill; 0 if its size is unknown. */
export function reserveBytes(path: string): number {
  return Math.min(LARGEST_RESERVE_BYTES, Math.floor((diskSpace(path)?.sizeBytes ?? 0) / 20));
}

/** How much is needed and how much there is, as far as that is known: `419.5 MB are needed, 40.0 MB are free`. */
export function roomText(neededBytes: number | undefined, free: number | undefined): string {
  return [
    ...(neededBytes === undefined || neededBytes === 0 ? [] : [`${formatBytes(neededBytes)} are needed`]),
    ...(free === undefined ? [] : [`${formatBytes(free)} are free`]),
  ].join(', ');
}

/** What something takes of a file system. */
export interface Demand {
  /** Contents of files. */
  readonly bytes: number;
  /** Files, folders, symbolic links and devices: all but further names of files. */
  readonly inodes: number;
}

/** What a file system still has; `undefined`: nobody can say. */
export interface FreeRoom {
  readonly bytes: number | undefined;
  readonly inodes: number | undefined;
}

export const UNKNOWN_ROOM: FreeRoom = { bytes: undefined, inodes: undefined };

export const NOTHING_NEEDED: Demand = { bytes: 0, inodes: 0 };

export function sumOf(one: Demand, other: Demand): Demand {
  return { bytes: one.bytes + other.bytes, inodes: one.inodes + other.inodes };
}

export function differenceOf(one: Demand, less: Demand): Demand {
  return { bytes: one.bytes - less.bytes, inodes: one.inodes - less.inodes };
}

/** Whether there is surely no room for it. */
export function exceeds({ bytes, inodes }: Demand, room: FreeRoom): boolean {
  return bytes > (room.bytes ?? Infinity) || inodes > (room.inodes ?? Infinity);
}

const BLOCK_BYTES = 4_096;

/** A measure to compare demands by: even an empty file takes something. */
export function weightOfDemand({ bytes, inodes }: Demand): number {
  return bytes + inodes * BLOCK_BYTES;
}
