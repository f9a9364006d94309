import { divideIntoBatches, type BatchLimits, type Weighed } from './batches.ts';

export interface BatchRule extends BatchLimits {
  /** How long an image that is ready waits for others to go with it, in ms. */
  readonly ageMs: number;
}

export interface Waiting extends Weighed {
  /** Since when it is ready, in ms of any clock. */
  readonly readySinceMs: number;
}

/** What to do about the images that are ready. */
export type BatchDecision<Image> =
  { readonly batch: readonly Image[] } | { readonly batch: undefined; readonly againMs: number | undefined };

/**
 * Which of the images that are ready are published now, in order: a full batch, or all of them where nothing else is on
 * its way or the first has waited long enough. So a small image never waits for a large one's download.
 *
 * @param ready in the order in which they became ready
 */
export function decideBatch<Image extends Waiting>(
  ready: readonly Image[],
  { isMoreComing, nowMs }: { readonly isMoreComing: boolean; readonly nowMs: number },
  rule: BatchRule,
): BatchDecision<Image> {
  const [first, second] = divideIntoBatches(ready, rule);
  const [oldest] = ready;
  if (first === undefined || oldest === undefined) return { batch: undefined, againMs: undefined };
  const dueMs = oldest.readySinceMs + rule.ageMs;
  const isFull = second !== undefined || first.length >= rule.images;
  if (isFull || !isMoreComing || nowMs >= dueMs) return { batch: first };
  return { batch: undefined, againMs: dueMs - nowMs };
}
