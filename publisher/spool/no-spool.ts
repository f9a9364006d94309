import type { Spool } from './spool.ts';

/** The part of a spool that publishing images needs. */
export type ImageSpool = Pick<
  Spool,
  | 'directory'
  | 'freeBytes'
  | 'evictableBytes'
  | 'lackingBytes'
  | 'makeRoom'
  | 'hold'
  | 'whenLetGo'
  | 'newPath'
  | 'fetch'
  | 'pathOf'
  | 'remove'
>;

/** Takes the place of a spool where no image is published: one process at a time has the spool. */
export function noSpool(directory: string): ImageSpool {
  return {
    directory,
    freeBytes: undefined,
    evictableBytes: 0,
    lackingBytes: () => 0,
    makeRoom: unusable,
    hold: unusable,
    whenLetGo: unusable,
    newPath: unusable,
    fetch: unusable,
    pathOf: unusable,
    remove: unusable,
  };
}

function unusable(): never {
  throw new Error('images are published with a spool');
}
