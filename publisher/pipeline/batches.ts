/** What a batch is measured by: layers that the image would bring. */
export interface Weighed {
  readonly missing: readonly { readonly digest: string; readonly sizeBytes: number }[];
}

/** The most that goes into one publication. */
export interface BatchLimits {
  /** Of compressed layers. */
  readonly bytes: number;
  readonly images: number;
}

/**
 * Divides images into batches, in order, so that each batch keeps the limits; each of its layers weighs once. An image
 * that alone weighs more is a batch by itself.
 */
export function divideIntoBatches<T extends Weighed>(images: readonly T[], most: BatchLimits): T[][] {
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

/** Bytes that `image` would bring beside the layers `known`. */
export function weightOf({ missing }: Weighed, known: ReadonlySet<string> = new Set()): number {
  const fresh = new Map(
    missing.filter(({ digest }) => !known.has(digest)).map((layer) => [layer.digest, layer]),
  );
  return [...fresh.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}
