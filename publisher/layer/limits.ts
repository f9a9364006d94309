import { exactSize } from '../../wishlist/byte-size.ts';
import { Failure } from '../../wishlist/failure.ts';
import { counted } from '../../wishlist/counted.ts';

/** How much a layer may demand. Each has an option of its own, with defaults that are far above real images. */
export interface LayerLimits {
  /** Of the unpacked archive, holes of sparse files included. */
  readonly sizeBytes: number;
  /** Unpacked bytes for each compressed one; counts from {@link RATIO_COUNTS_FROM_BYTES} on. */
  readonly ratio: number;
  /** Members of the archive. */
  readonly entries: number;
  /** Of one extended header, long name or map of a sparse file; of all global headers together. */
  readonly headerBytes: number;
  /** Names, targets of links and extended attributes of all members together: they are kept in memory. */
  readonly namesBytes: number;
}

/** For archives that were within the limits when they were read before. */
export const UNLIMITED: LayerLimits = {
  sizeBytes: Number.POSITIVE_INFINITY,
  ratio: Number.POSITIVE_INFINITY,
  entries: Number.POSITIVE_INFINITY,
  headerBytes: Number.POSITIVE_INFINITY,
  namesBytes: Number.POSITIVE_INFINITY,
};

/** Below that a file of zeros is no bomb: gzip makes a thousandth of it, and it is unpacked within a second. */
export const RATIO_COUNTS_FROM_BYTES = 256 * 1024 * 1024;

const OPTIONS = {
  sizeBytes: 'layer-size-limit',
  ratio: 'layer-ratio-limit',
  entries: 'layer-entry-limit',
  headerBytes: 'layer-header-limit',
  namesBytes: 'layer-names-limit',
} as const satisfies Readonly<Record<keyof LayerLimits, string>>;

/** `what` is more than a limit allows; the hint names the option that allows more. */
export function overLimit(what: string, limits: LayerLimits, name: keyof LayerLimits): Failure {
  const limit = limits[name];
  return overOption(what, name.endsWith('Bytes') ? exactSize(limit) : limit, OPTIONS[name]);
}

/** The same for a limit of another kind, by its option. */
export function overOption(what: string, limit: number | string, option: string): Failure {
  return new Failure('layer-refused', `${what}, over the limit of ${limit}`, {
    hint: `if the image is meant to be so, allow more with --${option}`,
  });
}

/** What the layer that is read has demanded until now. */
export class LayerMeter {
  readonly #limits: LayerLimits;
  #archiveBytes = 0;
  #contentBytes = 0;
  #entries = 0;
  #namesBytes = 0;

  constructor(limits: LayerLimits) {
    this.#limits = limits;
  }

  /** Bytes of the unpacked archive. */
  get archiveBytes(): number {
    return this.#archiveBytes;
  }

  /**
   * Counts `unpackedBytes` of the archive that came of `compressedBytes`, all that were read until now.
   *
   * @throws Failure `layer-refused` for too much, or too high a ratio
   */
  countArchive(unpackedBytes: number, compressedBytes: number): void {
    this.#archiveBytes += unpackedBytes;
    this.#checkSize(this.#archiveBytes);
    const isCounted = this.#archiveBytes > RATIO_COUNTS_FROM_BYTES;
    if (isCounted && this.#archiveBytes > compressedBytes * this.#limits.ratio) {
      const ratio = Math.round(this.#archiveBytes / Math.max(1, compressedBytes));
      throw overLimit(
        `its first ${compressedBytes} bytes unpack to ${ratio} times as much`,
        this.#limits,
        'ratio',
      );
    }
  }

  /**
   * Counts one member: what its content will be, and the bytes of its names and attributes.
   *
   * @throws Failure `layer-refused` for too many, or too much
   */
  countMember(contentBytes: number, namesBytes: number): void {
    this.#entries++;
    if (this.#entries > this.#limits.entries)
      throw overLimit(`it has at least ${counted(this.#entries, 'member')}`, this.#limits, 'entries');
    this.#namesBytes += namesBytes;
    if (this.#namesBytes > this.#limits.namesBytes) {
      const what = `names and extended attributes of its first ${counted(this.#entries, 'member')} have ${this.#namesBytes} bytes`;
      throw overLimit(what, this.#limits, 'namesBytes');
    }
    this.#contentBytes += contentBytes;
    this.#checkSize(this.#contentBytes);
  }

  #checkSize(bytes: number): void {
    if (bytes <= this.#limits.sizeBytes) return;
    throw overLimit(`it unpacks to at least ${bytes} bytes`, this.#limits, 'sizeBytes');
  }
}
