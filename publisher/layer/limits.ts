import { exactSize, counted } from '../../core/text.ts';
import { Failure } from '../../core/failure.ts';

/** Limits of one layer. Each has its option, with a default far above real images. */
export interface LayerLimits {
  /** Of the unpacked archive, holes of sparse files included. */
  readonly sizeBytes: number;
  /** Unpacked bytes for each compressed one, holes included; counts from {@link RATIO_COUNTS_FROM_BYTES} on. */
  readonly ratio: number;
  readonly entries: number;
  /** Of one extended header, long name or map of a sparse file; of all global headers together. */
  readonly headerBytes: number;
  /** Names, targets of links and extended attributes of all members together, as they are kept in memory: repeated once. */
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

/** A smaller file of zeros does no harm: gzip makes a thousandth of it, and it is unpacked within a second. */
const RATIO_COUNTS_FROM_BYTES = 256 * 1024 * 1024;

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
  const shown = name.endsWith('Bytes') ? exactSize(limit) : limit;
  return new Failure('layer-refused', `${what}, over the limit of ${shown}`, {
    hint: `if the image is meant to be so, allow more with --${OPTIONS[name]}`,
  });
}

/** Counts what the layer that is read has demanded so far. */
export class LayerMeter {
  readonly #limits: LayerLimits;
  #archiveBytes = 0;
  #contentBytes = 0;
  #entries = 0;

  constructor(limits: LayerLimits) {
    this.#limits = limits;
  }

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
    this.#checkRatio(this.#archiveBytes, compressedBytes);
  }

  /**
   * Says how many bytes the whole layer had compressed: holes of sparse files take nothing of the archive, so that what they
   * unpack to can be judged at its end only.
   *
   * @throws Failure `layer-refused` for too high a ratio
   */
  checkContent(compressedBytes: number): void {
    this.#checkRatio(this.#contentBytes, compressedBytes);
  }

  #checkRatio(unpackedBytes: number, compressedBytes: number): void {
    const isCounted = unpackedBytes > RATIO_COUNTS_FROM_BYTES;
    if (!isCounted || unpackedBytes <= compressedBytes * this.#limits.ratio) return;
    const ratio = Math.round(unpackedBytes / Math.max(1, compressedBytes));
    throw overLimit(
      `its first ${compressedBytes} bytes unpack to ${ratio} times as much`,
      this.#limits,
      'ratio',
    );
  }

  /**
   * Counts one member by what its content will be.
   *
   * @throws Failure `layer-refused` for too many, or too much
   */
  countMember(contentBytes: number): void {
    this.#entries++;
    if (this.#entries > this.#limits.entries)
      throw overLimit(`it has at least ${counted(this.#entries, 'member')}`, this.#limits, 'entries');
    this.#contentBytes += contentBytes;
    this.#checkSize(this.#contentBytes);
  }

  /** @throws Failure `layer-refused` where names and attributes of the members until now have too many bytes */
  checkNames(bytes: number): void {
    if (bytes <= this.#limits.namesBytes) return;
    const what = `names and extended attributes of its first ${counted(this.#entries, 'member')} have ${bytes} bytes`;
    throw overLimit(what, this.#limits, 'namesBytes');
  }

  #checkSize(bytes: number): void {
    if (bytes <= this.#limits.sizeBytes) return;
    throw overLimit(`it unpacks to at least ${bytes} bytes`, this.#limits, 'sizeBytes');
  }
}
