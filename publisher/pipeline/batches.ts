/** The layers that an image would bring: a batch is measured by them. */
export interface Weighed {
  readonly missing: readonly { readonly digest: string; readonly sizeBytes: number }[];
}

export interface BatchRule {
  /** Of compressed layers. */
  readonly bytes: number;
  readonly images: number;
  /** Longest wait of an image that is ready for others to go with it. */
  readonly ageMs: number;
}

export interface Waiting extends Weighed {
  /** On any clock. */
  readonly readySinceMs: number;
}

/** Images to publish now, or the time until the next decision, if there is anything to wait for. */
export type BatchDecision<Image> =
  { readonly batch: readonly Image[] } | { readonly batch: undefined; readonly againMs: number | undefined };

/** What else is on its way to the images that are ready. */
export interface Coming {
  /** Images are being fetched. */
  readonly isMoreComing: boolean;
  /** Registries are still asked, and may have something for the same batch. */
  readonly isMoreExpected: boolean;
  readonly nowMs: number;
}

/** About what a publication more costs: longer, nobody waits for what may never come. */
const MOST_EXPECTED_MS = 1_000;

/**
 * Decides what to publish now: a full batch, or everything that is ready where nothing else is on its way or the first has
 * waited long enough. So a small image never waits for a large one's download.
 *
 * @param ready in the order in which they became ready
 */
export function decideBatch<Image extends Waiting>(
  ready: readonly Image[],
  { isMoreComing, isMoreExpected, nowMs }: Coming,
  rule: BatchRule,
): BatchDecision<Image> {
  const [first, second] = divideIntoBatches(ready, rule);
  const [oldest] = ready;
  if (first === undefined || oldest === undefined) return { batch: undefined, againMs: undefined };
  const dueMs = oldest.readySinceMs + (isMoreComing ? rule.ageMs : Math.min(rule.ageMs, MOST_EXPECTED_MS));
  const isFull = second !== undefined || first.length >= rule.images;
  const isAll = !isMoreComing && !isMoreExpected;
  if (isFull || isAll || nowMs >= dueMs) return { batch: first };
  return { batch: undefined, againMs: dueMs - nowMs };
}

/**
 * Divides images into batches within the limits, in order; each layer weighs once a batch. An image that alone is over the
 * limit is a batch of its own.
 */
function divideIntoBatches<T extends Weighed>(images: readonly T[], most: BatchRule): T[][] {
  const batches: T[][] = [];
  let layers = new Set<string>();
  let weight = 0;
  for (const image of images) {
    const added = weightOf(image, layers);
    const current = batches.at(-1);
    if (current === undefined || weight + added > most.bytes || current.length >= most.images) {
      layers = new Set();
      weight = weightOf(image, layers);
      batches.push([image]);
    } else {
      weight += added;
      current.push(image);
    }
    for (const { digest } of image.missing) layers.add(digest);
  }
  return batches;
}

/** Bytes that `image` brings beside the layers `known`. */
export function weightOf({ missing }: Weighed, known: ReadonlySet<string> = new Set()): number {
  const sizes = new Map(missing.map(({ digest, sizeBytes }) => [digest, sizeBytes]));
  return [...sizes].reduce((sum, [digest, sizeBytes]) => sum + (known.has(digest) ? 0 : sizeBytes), 0);
}
