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
