/** Gives back what was taken; calling it again does nothing. */
export type GiveBack = () => void;

/**
 * Shares the room of a spool among images that are fetched ahead of their publication. One half is for images of which
 * several fit; the other is for a large one at a time, which may need more than that, since it could never be published
 * otherwise. So neither kind waits for the other.
 */
export class SpoolBudget {
  readonly #halfBytes: number;
  readonly #waiting = new Set<() => void>();
  #takenBytes = 0;
  #hasLarge = false;

  constructor(limitBytes: number) {
    this.#halfBytes = limitBytes / 2;
  }

  /** Room for an image that brings `bytes`; `undefined` where there is none now. */
  take(bytes: number): GiveBack | undefined {
    const isLarge = this.isLarge(bytes);
    if (isLarge ? this.#hasLarge : this.#takenBytes + bytes > this.#halfBytes) return undefined;
    this.#add(isLarge, bytes);
    let isTaken = true;
    return () => {
      if (!isTaken) return;
      isTaken = false;
      this.#add(isLarge, -bytes);
      for (const tell of this.#waiting) tell();
    };
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
