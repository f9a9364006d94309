import { isTooLong } from '../layer/member-path.ts';
import { displayPath, type BytePath } from '../../core/system/byte-path.ts';
import type { ImageMeter } from '../image/image-limits.ts';
import { Failure } from '../../core/failure.ts';
import { isCvmfsReserved } from './cvmfs-reserved.ts';
import { resolvePath, type Branch } from './resolve.ts';

/**
 * The folder that `path` leads to in `root`, symbolic links followed: where members below `path` go.
 *
 * @throws Failure `layer-refused` where the links lead in a circle, or to what {@link checkPlace} refuses
 */
export function memberFolder<N extends Branch<N>>(root: N, path: BytePath, meter: ImageMeter): BytePath {
  const folder = resolvePath(root, path, meter);
  if (folder === undefined) throw refused(path, 'leads through symbolic links in a circle');
  checkPlace(folder);
  return folder;
}

/** @throws Failure `layer-refused` where links have led to a path that no member's own name may be */
export function checkPlace(path: BytePath): void {
  if (isTooLong(path)) throw refused(path.slice(0, 200), '…, where symbolic links lead, is too long a path');
  if (isCvmfsReserved(path)) throw refused(path, 'is a place where CernVM-FS takes orders');
}

/** A hard link at `path` to what is no file of the image. */
export function brokenLink(path: BytePath, target: BytePath): Failure {
  const names = `the hard link ${displayPath(path)} names ${displayPath(target)}`;
  return new Failure('layer-corrupt', `${names}, which is no file of the image`, {
    hint: 'the image is broken: build it again',
  });
}

function refused(path: BytePath, reason: string): Failure {
  return new Failure('layer-refused', `${displayPath(path)} ${reason}`, {
    hint: 'such a layer cannot be unpacked safely: rebuild the image',
  });
}
