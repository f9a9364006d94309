import type { Descriptor } from '../registry/manifest/manifest.ts';

/** Gives back what was taken; calling it again does nothing. */
export type GiveBack = () => void;

/**
 * Shares the room of a spool among images that are fetched ahead of their publication. One half is for images of which
 * several fit; the other is for a large one at a time, which may take as much as the whole spool, since it could never be
 * published otherwise. So neither kind waits for the other.
 */
export class SpoolBudget {
  readonly limitBytes: number;
  readonly #halfBytes: number;
  readonly #waiting = new Set<() => void>();
  #takenBytes = 0;
  readonly #takers = new Set<readonly Descriptor[]>();
  #hasLarge = false;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
    this.#halfBytes = limitBytes / 2;
  }

  /** Whether there is room now for an image that brings `bytes`. */
  hasRoom(bytes: number): boolean {
    return this.isLarge(bytes) ? !this.#hasLarge : this.#takenBytes + bytes <= this.#halfBytes;
  }

  /**
   * Room for an image that brings `bytes`; `undefined` where there is none now.
   *
   * @param layers what they are
   */
  take(bytes: number, layers: readonly Descriptor[] = []): GiveBack | undefined {
    if (!this.hasRoom(bytes)) return undefined;
    const isLarge = this.isLarge(bytes);
    const taker = [...layers];
    this.#add(isLarge, bytes);
    this.#takers.add(taker);
    let isTaken = true;
    return () => {
      if (!isTaken) return;
      isTaken = false;
      this.#takers.delete(taker);
      this.#add(isLarge, -bytes);
      for (const tell of this.#waiting) tell();
    };
  }

  /** Whether nobody has taken anything: more room than there is now will not come of itself. */
  get isIdle(): boolean {
    return this.#takers.size === 0;
  }

  /** The layers of all that have taken room, whether they are fetched or not. */
  get layers(): Descriptor[] {
    return [...this.#takers].flat();
  }

  /** Whether an image that brings `bytes` is one of those of which only one is fetched at a time. */
  isLarge(bytes: number): boolean {
    return bytes > this.#halfBytes / 4;
  }

  /** `tell` is called whenever room becomes free, until the function that it answers is called. */
  onFree(tell: () => void): () => void {
    this.#waiting.add(tell);
    return () => this.#waiting.delete(tell);
  }

  #add(isLarge: boolean, bytes: number): void {
    if (isLarge) this.#hasLarge = bytes > 0;
    else this.#takenBytes += bytes;
  }
}
