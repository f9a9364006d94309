/** What a batch is measured by: layers that the image would bring. */
export interface Weighed {
  readonly missing: readonly { readonly digest: string; readonly sizeBytes: number }[];
}

/**
 * Divides images into batches, in order, so that the layers of each batch, each counted once, weigh at most `mostBytes`. An image that alone
 * weighs more is a batch by itself.
 */
export function divideIntoBatches<T extends Weighed>(images: readonly T[], mostBytes: number): T[][] {
  const batches: T[][] = [];
  let layers = new Set<string>();
  let weight = 0;
  for (const image of images) {
    const added = weightOf(image, layers);
    const current = batches.at(-1);
    if (current === undefined || weight + added > mostBytes) {
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

function weightOf({ missing }: Weighed, known: ReadonlySet<string>): number {
  const fresh = new Map(
    missing.filter(({ digest }) => !known.has(digest)).map((layer) => [layer.digest, layer]),
  );
  return [...fresh.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}
