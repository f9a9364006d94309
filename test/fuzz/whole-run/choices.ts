import type { Random } from '../../publisher/tree/random-stacks.ts';

export function pick<T>(random: Random, from: readonly T[]): T {
  if (from.length === 0) throw new Error('there is nothing to choose from');
  return from[random(from.length)] as T;
}

/** True once in `times`. */
export function oneIn(random: Random, times: number): boolean {
  return random(times) === 0;
}

/** From 1 to `most`: as often between 10 and 100 as between 1,000 and 10,000. */
export function amount(random: Random, most: number): number {
  return Math.max(1, Math.round(most ** (random(1_000_000) / 999_999)));
}

/** Random numbers of their own for one part of a run, so that the other parts may be left out. */
export function seedOf(seed: number, part: number): number {
  return (Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(part + 1, 0x85ebca6b)) >>> 0;
}
