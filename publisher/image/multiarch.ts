import { posix } from 'node:path';
import { OWN_FOLDERS } from '../../wishlist/recipe/own-folders.ts';
import type { Platform } from '../../core/oci/platform.ts';
import { usualPlatform } from '../../core/oci/platform.ts';
import type { BytePath } from '../../core/system/byte-path.ts';

/**
 * Names that lead each client to the image for its own architecture, as DUCC 2.14 makes them. Clients of CernVM-FS put the
 * value of a variable into the target of a symbolic link, and set `CVMFS_ARCH` to what `uname -m` says.
 *
 * @see cvmfs/cvmfs#3680, #3897; CernVM-FS documentation, "Variant Symlinks"
 */

export const MULTIARCH_FOLDER = OWN_FOLDERS.platforms;

/** For which images there are such names: for those that are wanted for several platforms, for all, or for none. */
export type MultiarchLinks = 'auto' | 'always' | 'never';

/** The folder of all images for `platform`. */
export function platformFolder(platform: Platform): BytePath {
  const { architecture, variant } = usualPlatform(platform);
  return `${MULTIARCH_FOLDER}/${variant === undefined ? architecture : `${architecture}:${variant}`}`;
}

/** The name of an image in the folder of its platform, which may also be linux/amd64. */
export function multiarchName(platform: Platform, name: string): string {
  return `${platformFolder(platform)}/${name}`;
}

/** What the plain name is a link to. */
export function variantTarget(name: string): string {
  return posix.relative(posix.dirname(name), `${MULTIARCH_FOLDER}/$(CVMFS_ARCH:-amd64)/${name}`);
}

/** Whether `target` is one, also where a client has put a value into it; a release manager shows what is stored. */
export function isVariantTarget(target: string): boolean {
  return /^(?:\.\.\/)*\.multiarch\//.test(target);
}

/**
 * What else an architecture is called, and the folders that are meant, the best first: by the kernel (`uname -m`), and by
 * Debian and DUCC. A folder may have been made by DUCC, which keeps variants that are an architecture's first.
 */
export const ALIASES: ReadonlyMap<string, readonly string[]> = new Map([
  ['x86_64', ['amd64']],
  ['x86-64', ['amd64']],
  ['i386', ['386']],
  ['i686', ['386']],
  ['aarch64', ['arm64', 'arm64:v8']],
  ['arm64:v8', ['arm64']],
  ['armv6l', ['arm:v6']],
  ['armel', ['arm:v6']],
  ['armv7l', ['arm:v7', 'arm']],
  ['armhf', ['arm', 'arm:v7']],
  ['armv8l', ['arm:v8']],
  ['loongarch64', ['loong64']],
]);
