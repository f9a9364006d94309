import type { Descriptor } from '../../core/oci/manifest.ts';

/** Gives room back; a second call does nothing. */
export type Release = () => void;

/** The share of the room for small images that those of one registry may take together. */
const OWN_SHARE = 0.75;

interface Taker {
  readonly bytes: number;
  readonly isLarge: boolean;
  readonly registry: string | undefined;
  readonly layers: readonly Descriptor[];
}

/**
 * Shares the room of a spool among images that are fetched ahead of their publication. One half is for images of which
 * several fit. The other is for large ones, one of each registry, as far as they fit; one alone may take as much as the whole
 * spool, since it could never be published otherwise. So neither kind waits for the other, and a registry that is slow leaves
 * some to others.
 */
export class SpoolBudget {
  readonly limitBytes: number;
  readonly #halfBytes: number;
  readonly #waiting = new Set<() => void>();
  readonly #takers = new Set<Taker>();

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
    this.#halfBytes = limitBytes / 2;
  }

  /** True where there is room now for an image of `registry` that brings `bytes`. */
  hasRoom(bytes: number, registry?: string): boolean {
    const isLarge = this.isLarge(bytes);
    const takers = [...this.#takers].filter((taker) => taker.isLarge === isLarge);
    const own = takers.filter((taker) => registry !== undefined && taker.registry === registry);
    const all = bytesOf(takers) + bytes;
    if (isLarge) return takers.length === 0 || (own.length === 0 && all <= this.#halfBytes);
    const isShare = own.length === 0 || bytesOf(own) + bytes <= this.#halfBytes * OWN_SHARE;
    return all <= this.#halfBytes && isShare;
  }

  /**
   * Takes room for an image of `registry` that brings `bytes`; `undefined` where there is none now.
   *
   * @param layers of those bytes
   */
  take(bytes: number, layers: readonly Descriptor[] = [], registry?: string): Release | undefined {
    if (!this.hasRoom(bytes, registry)) return undefined;
    const taker = { bytes, isLarge: this.isLarge(bytes), registry, layers };
    this.#takers.add(taker);
    return () => {
      if (!this.#takers.delete(taker)) return;
      for (const listener of this.#waiting) listener();
    };
  }

  /** True while nobody has taken anything: waiting brings no more room then. */
  get isIdle(): boolean {
    return this.#takers.size === 0;
  }

  /** The layers of all that have taken room, whether they are fetched or not. */
  get layers(): Descriptor[] {
    return Array.from(this.#takers, ({ layers }) => layers).flat();
  }

  /** True for an image so large that only one of each registry is fetched at a time. */
  isLarge(bytes: number): boolean {
    return bytes > this.#halfBytes / 4;
  }

  /** Calls `listener` whenever room becomes free. @returns ends that */
  onFree(listener: () => void): () => void {
    this.#waiting.add(listener);
    return () => this.#waiting.delete(listener);
  }
}

function bytesOf(takers: readonly Taker[]): number {
  return takers.reduce((sum, { bytes }) => sum + bytes, 0);
}
