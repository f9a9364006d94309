import { libc } from './libc.ts';

/** The parameters of glibc's mallopt(3). */
const M_MMAP_THRESHOLD = -3;
const M_ARENA_MAX = -8;

/** Parts of columns and digests have as much, or more; what a socket is read into has half of it. */
const LARGE_BYTES = 128 * 1024;
const ARENAS = 2;

/**
 * Lets the C library give large blocks back to the system as soon as they are freed. glibc raises the size of what it calls
 * large to 32 MB as it goes, and keeps a heap for each of several threads: that is a quarter of the memory of a process
 * that has listed a large layer. Other C libraries (musl) do so by themselves.
 */
export function giveBackFreedMemory(): void {
  let mallopt;
  try {
    mallopt = libc.func('int mallopt(int, int)');
  } catch {
    return;
  }
  mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
  mallopt(M_ARENA_MAX, ARENAS);
}
