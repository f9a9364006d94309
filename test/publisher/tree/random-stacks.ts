import { directory, file, hardLink, opaque, symlink, whiteout } from '../../support/images/layer-entry.ts';
import type { LayerEntry } from '../../support/images/layer-entry.ts';
import type { Stack } from './stack.ts';

/** Numbers from 0 up to, and without, `limit`. */
export type Random = (limit: number) => number;

/** The same numbers for the same seed (mulberry32). */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}

/** Up to five layers of up to nine members, with so few names that they meet. */
export function randomStack(random: Random): Stack {
  const files: string[] = [];
  return Array.from({ length: 1 + random(5) }, (_, index) =>
    Array.from({ length: 1 + random(9) }, (_none, position) =>
      randomEntry(random, files, `${index}.${position}`),
    ),
  );
}

/** `s` and `t` are mostly symbolic links, `f`, `g` and `h` mostly files. */
const FOLDERS = ['a', 'b', 'c', 'a', 'b', 'c', 's', 't'] as const;
const LINKS = ['s', 't'] as const;
const FILES = ['f', 'g', 'h'] as const;
const TARGETS = ['a', 'b/c', '/a', '/b', '..', '../b', '../../a/b', '.', 'c', '/c/a', 's', 'f'] as const;

/** Books of AUFS, and a name that CernVM-FS acts on: no part of the tree, but hard links may name them. */
const ASIDE = ['.wh..wh.plnk/1', '.wh..wh.plnk/2', 'a/.cvmfsdirtab'] as const;

/** `files` are paths of files that there were at some time: hard links mostly name such ones. */
function randomEntry(random: Random, files: string[], content: string): LayerEntry {
  switch (random(15)) {
    case 0:
    case 1:
    case 2:
      return directory(randomPath(random, FOLDERS), { mode: random(2) === 0 ? 0o755 : 0o700 + random(8) });
    case 3:
      return whiteout(randomPath(random, FOLDERS));
    case 4:
      return whiteout(randomPath(random, FILES));
    case 5:
      return opaque(random(8) === 0 ? '' : randomPath(random, FOLDERS));
    case 6:
      return symlink(randomPath(random, LINKS), pick(random, TARGETS));
    case 7:
      return hardLink(
        randomPath(random, FILES),
        random(10) === 0 ? randomPath(random, FILES) : pick(random, [...files, 'f']),
      );
    case 8:
      return file(pick(random, ASIDE), content);
    case 9:
      return hardLink(randomPath(random, FILES), pick(random, ASIDE));
    default: {
      const name = randomPath(random, FILES);
      files.push(name);
      return file(name, content);
    }
  }
}

/** Up to two folders and one of `names`, in one of ten cases one of all names. */
function randomPath(random: Random, names: readonly string[]): string {
  const folders = Array.from({ length: random(3) }, () => pick(random, FOLDERS));
  return [...folders, pick(random, random(10) === 0 ? [...FOLDERS, ...FILES] : names)].join('/');
}

function pick(random: Random, from: readonly string[]): string {
  return from[random(from.length)] ?? '';
}
