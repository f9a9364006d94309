/** The known facts about a layer. */
export interface LayerSize {
  readonly digest: string;
  readonly compressedBytes: number;
  /** Of the uncompressed archive; `undefined` where it was never read here. */
  readonly unpackedBytes: number | undefined;
  /** The repository has it already; `undefined` where that cannot be seen. */
  readonly isPublished: boolean | undefined;
}

/** An image for one platform. */
export interface MeasuredImage {
  /** Without scheme. */
  readonly image: string;
  readonly platform: string;
  readonly layers: readonly LayerSize[];
}

/** The size of images together; a layer that several of them share counts once. */
export interface Sum {
  readonly layers: number;
  readonly compressedBytes: number;
  /** `undefined` unless it is known of every layer. */
  readonly unpackedBytes: number | undefined;
  /** Compressed bytes of layers that are published; `undefined` unless that is known of every layer. */
  readonly publishedBytes: number | undefined;
}

export function totalOf(images: readonly MeasuredImage[]): Sum {
  const all = images.flatMap(({ layers }) => layers);
  const layers = [...new Map(all.map((layer) => [layer.digest, layer])).values()];
  return {
    layers: layers.length,
    compressedBytes: total(layers.map(({ compressedBytes }) => compressedBytes)) ?? 0,
    unpackedBytes: total(layers.map(({ unpackedBytes }) => unpackedBytes)),
    publishedBytes: total(
      layers.map(({ isPublished, compressedBytes }) => {
        if (isPublished === undefined) return undefined;
        return isPublished ? compressedBytes : 0;
      }),
    ),
  };
}

function total(values: readonly (number | undefined)[]): number | undefined {
  let sum = 0;
  for (const value of values) {
    if (value === undefined) return undefined;
    sum += value;
  }
  return sum;
}
