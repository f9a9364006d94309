import { NoImage } from '../../core/oci/media-types.ts';
import {
  judgePattern,
  judgeSize,
  remarkOn,
  severityOf,
  type Remark,
  type Severity,
} from '../../wishlist/check/finding.ts';
import { totalOf, type MeasuredImage } from '../../wishlist/check/sizes.ts';
import { inVersionOrder } from '../../wishlist/tags/version.ts';
import { mapLimited } from '../../core/concurrency.ts';
import { passedOverProblems } from '../../wishlist/meaning/expansion-problems.ts';
import { expandRecipes, type WishedImage } from '../../wishlist/meaning/expand.ts';
import { isFailure, type Failure } from '../../core/failure.ts';
import { quoted, formatBytes } from '../../core/text.ts';
import type { Recipe } from '../../wishlist/recipe/recipe.ts';
import type { WishSettings } from '../../wishlist/recipe/settings.ts';
import type { Wish } from '../../wishlist/recipe/wish.ts';
import type { Configuration } from '../configuration/options.ts';
import { measureImage, type SizeLookup } from './size-lookup.ts';
import type { Suggestions, TagLists } from './suggestions.ts';

/** Images of a pattern whose manifests are fetched: the highest versions. */
const MOST_IMAGES_OF_A_PATTERN = 10;
const IMAGES_AT_A_TIME = 4;

/** Results of asking registries about one wish. */
export interface WishProbe {
  readonly tags: readonly string[] | undefined;
  readonly images: readonly MeasuredImage[];
  readonly remarks: readonly Remark[];
}

/** A wish to ask registries about. */
export interface ProbedWish {
  readonly wish: Wish;
  readonly recipe: Recipe;
  /** Defaults of the recipe and the configuration. */
  readonly defaults: WishSettings;
}

/** Measures images, lists tags and names what may be meant. */
interface Means {
  readonly sizes: SizeLookup;
  readonly lists: TagLists;
  readonly suggestions: Suggestions;
}

export class RegistryProbe {
  readonly #means: Means;
  readonly #limits: Pick<Configuration, 'patternLimit' | 'imageSizeLimitBytes'>;

  constructor(means: Means, limits: Pick<Configuration, 'patternLimit' | 'imageSizeLimitBytes'>) {
    this.#means = means;
    this.#limits = limits;
  }

  async ask(probed: ProbedWish): Promise<WishProbe> {
    const { wish } = probed;
    const { images, failures, problems } = await expandRecipes(
      [alone(probed)],
      async (reference) => await this.#means.lists.of(reference),
    );
    const remarks: Remark[] = problems.map(({ problem }) => problem);
    for (const { failure } of failures) remarks.push(await this.#failed(wish, failure));
    if (wish.selection === undefined) {
      const measured = await this.#measureAll(probed, images);
      return { tags: undefined, images: measured.images, remarks: [...remarks, ...measured.remarks] };
    }
    if (images.length === 0) return { tags: undefined, images: [], remarks };
    return await this.#askPattern(probed, images, remarks);
  }

  async #askPattern(
    probed: ProbedWish,
    images: readonly WishedImage[],
    before: readonly Remark[],
  ): Promise<WishProbe> {
    const { wish, defaults } = probed;
    const tags = inVersionOrder(images.map(({ reference }) => reference.tag ?? ''));
    const { patternLimit } = this.#limits;
    const limit = Math.min(wish.settings.limit ?? defaults.limit ?? patternLimit, patternLimit);
    const remarks = [...before, judgePattern(wish, tags, limit)];
    if (tags.length > limit) return { tags, images: [], remarks };
    const chosen = new Set(tags.slice(-MOST_IMAGES_OF_A_PATTERN));
    if (tags.length > chosen.size) remarks.push(sampled(wish, tags.length));
    const measured = await this.#measureAll(
      probed,
      images.filter(({ reference }) => chosen.has(reference.tag ?? '')),
    );
    return { tags, images: measured.images, remarks: [...remarks, ...measured.remarks] };
  }

  /** Softens errors if some images of a pattern are fine: the line is not wrong then. */
  async #measureAll(
    probed: ProbedWish,
    wanted: readonly WishedImage[],
  ): Promise<Pick<WishProbe, 'images' | 'remarks'>> {
    const results = await mapLimited(
      wanted,
      IMAGES_AT_A_TIME,
      async (image) => await this.#measure(probed, image),
    );
    const images = results.flatMap((result) => result.images);
    const passed = new Map(
      results.flatMap(({ passedOver: kind }, index) => {
        const image = wanted[index];
        return kind === undefined || image === undefined ? [] : [[image, kind] as const];
      }),
    );
    const notes = passedOverProblems([...passed.keys()], (image) => passed.get(image));
    const isFine = images.length > 0 && wanted.length > 1;
    const failed = results.flatMap(({ remarks }) => remarks);
    const remarks = isFine ? failed.map(softened) : failed;
    return { images, remarks: [...remarks, ...notes.map(({ problem }) => problem)] };
  }

  async #measure(
    { wish, recipe }: ProbedWish,
    wanted: WishedImage,
  ): Promise<Pick<WishProbe, 'images' | 'remarks'> & { readonly passedOver?: string }> {
    try {
      const repositories = wish.repositories ?? recipe.repositories;
      const { images, missing } = await measureImage(this.#means.sizes, wanted, repositories);
      const remarks = images.flatMap((image) => this.#judgeSize(wish, image) ?? []);
      if (missing !== undefined) remarks.push(failureRemark(wish, missing));
      return { images, remarks };
    } catch (error) {
      if (error instanceof NoImage && !wanted.isNamed)
        return { images: [], remarks: [], passedOver: error.artifact };
      if (!isFailure(error) || isFailure(error, ...OURS)) throw error;
      return { images: [], remarks: [await this.#failed({ ...wish, reference: wanted.reference }, error)] };
    }
  }

  #judgeSize(wish: Wish, image: MeasuredImage): Remark | undefined {
    const { imageSizeLimitBytes: bytes } = this.#limits;
    if (bytes === undefined) return undefined;
    const { compressedBytes } = totalOf([image]);
    const name = `${image.image} (${image.platform})`;
    return judgeSize(wish, { image: name, compressedBytes }, { bytes, format: formatBytes });
  }

  async #failed(wish: Wish, cause: Failure): Promise<Remark> {
    const meant = await this.#means.suggestions.for(wish.reference, cause);
    if (meant === undefined) return failureRemark(wish, cause);
    const isMistyped = cause.code === 'dns-failed';
    return { ...failureRemark(wish, cause, isMistyped ? 'error' : undefined), hint: meant };
  }
}

/** Failures that end the check: they are not about a wish. */
const OURS = ['interrupted', 'disk-full', 'state-unusable', 'repository-unusable'] as const;

function failureRemark(wish: Wish, cause: Failure, severity: Severity = severityOf(cause)): Remark {
  const { code, message, hint } = cause;
  return remarkOn(wish, severity, { code, message, hint });
}

function softened(remark: Remark): Remark {
  return remark.code === 'image-too-large' ? remark : { ...remark, severity: 'warning' };
}

function sampled(wish: Wish, count: number): Remark {
  const message = `only the ${MOST_IMAGES_OF_A_PATTERN} highest versions of the ${count} images of ${quoted(wish.text)} were checked`;
  return remarkOn(wish, 'note', { code: 'pattern-sampled', message });
}

/** A recipe of only this wish, without limit: the limit is judged here, once all tags are known. */
function alone({ wish, recipe, defaults }: ProbedWish): Recipe {
  const settings = { ...wish.settings, limit: undefined };
  return {
    ...recipe,
    defaults: { ...defaults, limit: undefined },
    wishes: [{ ...wish, settings }],
    problems: [],
  };
}
