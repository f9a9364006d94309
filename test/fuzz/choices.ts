import type { Random } from '../publisher/tree/random-stacks.ts';

/** The choices that an input stands for: one byte each, zeros where there are no more. */
export function choicesOf(data: Buffer): Random {
  let at = 0;
  return (limit) => (data[at++] ?? 0) % limit;
}
