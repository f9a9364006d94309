import { formatPlatform, type Platform } from '../../core/oci/platform.ts';
import { formatReference } from '../../core/oci/reference.ts';
import type { ImageResult, Observer } from './events.ts';
import { isPlain, type ResolvedImage, type WantedImage } from './image.ts';

/** Outcome of one image, for one platform where it is published for several. */
export interface PlatformResult {
  /** `<registry>/<repository>:<tag>` */
  readonly image: string;
  /** `linux/arm64`; `undefined` for what has the plain public name, and for what failed as a whole. */
  readonly platform: string | undefined;
  readonly result: ImageResult;
}

/** A wanted image on one platform; `undefined` stands for all of it. */
export interface PlatformImage {
  readonly wanted: WantedImage;
  readonly platform: Platform | undefined;
}

/** Called once with the outcome of each image on each platform, and the image where the registry resolved it. */
export type Recorder = (
  part: PlatformImage,
  result: ImageResult,
  resolved: ResolvedImage | undefined,
) => void;

/** Collects each image's outcome, and reports it exactly once. */
export class Results {
  readonly #observe: Observer;
  readonly #record: Recorder;
  /** By image, the results of its parts by their platform. */
  readonly #results: Map<WantedImage, Map<string | undefined, ImageResult | undefined>>;

  constructor(wanted: readonly WantedImage[], observe: Observer, record: Recorder = () => undefined) {
    this.#observe = observe;
    this.#record = record;
    this.#results = new Map(wanted.map((image) => [image, new Map()]));
  }

  /** `wanted` is to be published for `platforms`: a result is due for each. */
  expect(wanted: WantedImage, platforms: readonly Platform[]): void {
    const results = this.#resultsOf(wanted);
    for (const platform of platforms) results.set(shownPlatform(platform), undefined);
  }

  /** `platform` as `undefined` stands for all platforms that are due. */
  finish(part: PlatformImage, result: ImageResult, resolved?: ResolvedImage): void {
    const { wanted, platform } = part;
    if (platform === undefined) this.#finishAll(wanted, result);
    else this.#finish(wanted, shownPlatform(platform), result);
    this.#record(part, result, resolved);
  }

  /** Gives a part that ended well the result of what went wrong afterwards. */
  revise({ wanted, platform }: PlatformImage, result: ImageResult): void {
    const results = this.#resultsOf(wanted);
    const shown = shownPlatform(platform);
    for (const [one, before] of results) {
      if ((platform !== undefined && one !== shown) || before?.outcome === 'failed') continue;
      results.set(one, result);
      this.#observe({ type: 'image-finished', image: shownLabel(wanted, one), result });
    }
  }

  /** Drops `wanted`, which is not an image: it has no result. */
  passOver(wanted: WantedImage): void {
    this.#results.delete(wanted);
    this.#observe({ type: 'image-passed-over', image: formatReference(wanted.reference) });
  }

  /** Gives `result` to everything that has none. */
  finishRest(result: ImageResult): void {
    for (const wanted of this.#results.keys()) this.#finishAll(wanted, result);
  }

  /** In the order of the images and, within one, of its platforms. */
  all(): PlatformResult[] {
    return [...this.#results].flatMap(([wanted, results]) =>
      [...results].map(([platform, result]) => {
        if (result === undefined) throw new Error(`${shownLabel(wanted, platform)} was forgotten`);
        return { image: formatReference(wanted.reference), platform, result };
      }),
    );
  }

  #finishAll(wanted: WantedImage, result: ImageResult): void {
    const due = [...this.#resultsOf(wanted).keys()];
    for (const shown of due.length === 0 ? [undefined] : due) this.#finish(wanted, shown, result);
  }

  #finish(wanted: WantedImage, shown: string | undefined, result: ImageResult): void {
    const results = this.#resultsOf(wanted);
    if (results.get(shown) !== undefined) return;
    results.set(shown, result);
    this.#observe({ type: 'image-finished', image: shownLabel(wanted, shown), result });
  }

  #resultsOf(wanted: WantedImage): Map<string | undefined, ImageResult | undefined> {
    const results = this.#results.get(wanted);
    if (results === undefined)
      throw new Error(`${formatReference(wanted.reference)} is not an image of this run`);
    return results;
  }
}

/** Name in events and messages: `quay.io/lab/tool:1 (linux/arm64)`. */
export function labelOf({ wanted, platform }: PlatformImage): string {
  return shownLabel(wanted, shownPlatform(platform));
}

function shownLabel({ reference }: WantedImage, shown: string | undefined): string {
  const image = formatReference(reference);
  return shown === undefined ? image : `${image} (${shown})`;
}

function shownPlatform(platform: Platform | undefined): string | undefined {
  return platform === undefined || isPlain(platform) ? undefined : formatPlatform(platform);
}
