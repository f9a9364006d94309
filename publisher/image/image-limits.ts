import { exactSize, counted } from '../../core/text.ts';
import { Failure } from '../../core/failure.ts';
import type { Manifest } from '../../core/oci/manifest.ts';
import { STEPS_IN_SLICE } from '../../core/turns.ts';

/** Limits for one image, each with an option. Defaults are far above real images. */
export interface ImageLimits {
  readonly layers: number;
  /** Of all layers, as the registry has them; `undefined`: any. */
  readonly compressedBytes: number | undefined;
  /** Members of all layers, and the folders that these imply: they are kept in memory. */
  readonly entries: number;
  /** Of the files that are written. */
  readonly contentBytes: number;
  /** Names that are written, of all forms together: each is a row in a catalog. */
  readonly names: number;
  /** Inodes that are written: everything but further names of files. */
  readonly inodes: number;
  /** Names that are looked up or looked at to lay the image out. */
  readonly steps: number;
}

const INFINITE = Number.POSITIVE_INFINITY;
/** No limits. @internal */
export const ANY_IMAGE: ImageLimits = {
  layers: INFINITE,
  compressedBytes: undefined,
  entries: INFINITE,
  contentBytes: INFINITE,
  names: INFINITE,
  inodes: INFINITE,
  steps: INFINITE,
};

const OPTIONS = {
  layers: 'image-layer-limit',
  compressedBytes: 'image-size-limit',
  entries: 'image-entry-limit',
  contentBytes: 'image-unpacked-limit',
  names: 'image-name-limit',
  inodes: 'image-inode-limit',
  steps: 'image-step-limit',
} as const satisfies Readonly<Record<keyof ImageLimits, string>>;

const HINTS: Partial<Readonly<Record<keyof ImageLimits, string>>> = {
  names:
    'chains have all names again for each layer: publish it without them, or, if the image is meant to be so,',
  inodes:
    'chains have all folders and symbolic links again for each layer: publish it without them, or, if the image is meant to be so,',
  steps: 'its layers have too many names, or links that lead through links: if the image is meant to be so,',
};

/** `what` is more than the limit `name` allows; the hint names the option that allows more. */
function tooLarge(what: string, limits: ImageLimits, name: keyof ImageLimits): Failure {
  const limit = limits[name] ?? INFINITE;
  const shown = name.endsWith('Bytes') ? exactSize(limit) : limit;
  return new Failure('image-too-large', `${what}, over the limit of ${shown}`, {
    hint: `${HINTS[name] ?? 'if the image is meant to be so,'} allow more with --${OPTIONS[name]}`,
  });
}

/** Before anything is fetched. @throws Failure `image-too-large` for what the manifest itself says */
export function checkManifest({ layers }: Pick<Manifest, 'layers'>, limits: ImageLimits): void {
  if (layers.length > limits.layers)
    throw tooLarge(`it has ${counted(layers.length, 'layer')}`, limits, 'layers');
  const bytes = layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (bytes > (limits.compressedBytes ?? INFINITE))
    throw tooLarge(`its layers have ${bytes} bytes compressed`, limits, 'compressedBytes');
}

export interface Written {
  readonly names: number;
  readonly inodes: number;
  readonly contentBytes: number;
}

/**
 * Counts what one image demands while it is planned. A step is a name that is looked up or looked at, whatever the machine:
 * an image that costs too much fails everywhere alike. Each method throws `image-too-large` for too much.
 */
export class ImageMeter {
  readonly #limits: ImageLimits;
  #steps = 0;
  #inSlice = 0;
  #entries = 0;
  #written: Written = { names: 0, inodes: 0, contentBytes: 0 };

  constructor(limits: ImageLimits = ANY_IMAGE) {
    this.#limits = limits;
  }

  get steps(): number {
    return this.#steps;
  }

  get entries(): number {
    return this.#entries;
  }

  /** Counts steps. Whether it is time to `yield`, or to take turns. */
  step(count = 1): boolean {
    this.charge(count);
    if (this.#inSlice < STEPS_IN_SLICE) return false;
    this.#inSlice = 0;
    return true;
  }

  /** Counts steps where nobody can pause. */
  charge(count = 1): void {
    this.#steps += count;
    this.#inSlice += count;
    if (this.#steps > this.#limits.steps)
      throw tooLarge(`laying out its names takes at least ${this.#steps} steps`, this.#limits, 'steps');
  }

  /** Counts what is kept in memory of its layers. */
  keep(entries: number): void {
    this.#entries += entries;
    if (this.#entries > this.#limits.entries)
      throw tooLarge(
        `its layers have at least ${counted(this.#entries, 'member')} together, and folders that these need`,
        this.#limits,
        'entries',
      );
  }

  write({ names, inodes, contentBytes }: Written): void {
    const before = this.#written;
    this.#written = {
      names: before.names + names,
      inodes: before.inodes + inodes,
      contentBytes: before.contentBytes + contentBytes,
    };
    this.#check('names', 'names in all its forms');
    this.#check('inodes', 'files, directories and links of their own in all its forms');
    this.#check('contentBytes', 'bytes in files');
  }

  #check(name: keyof Written, what: string): void {
    const count = this.#written[name];
    if (count > this.#limits[name]) throw tooLarge(`it has at least ${count} ${what}`, this.#limits, name);
  }
}
