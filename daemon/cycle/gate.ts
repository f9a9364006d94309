/** How long one that wants to be alone keeps all others out, once it is. */
const LONGEST_ALONE_MS = 15 * 60_000;
/** How long others go before it. */
const LONGEST_WAIT_MS = 60 * 60_000;

interface Waiting {
  readonly isAlone: boolean;
  readonly sinceMs: number;
  readonly enter: () => void;
}

export interface GateOptions {
  readonly nowMs: () => number;
  readonly longestAloneMs?: number;
  readonly longestWaitMs?: number;
}

/**
 * Lets work begin, any number of pieces together or one alone. What wants to be alone comes when nothing else is under way;
 * so that nobody can keep it out for ever, nor it the others, both have limits of time.
 */
export class Gate {
  readonly #options: Required<GateOptions>;
  readonly #waiting = new Set<Waiting>();
  #together = 0;
  /** Since when one is alone. */
  #aloneMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: GateOptions) {
    this.#options = { longestAloneMs: LONGEST_ALONE_MS, longestWaitMs: LONGEST_WAIT_MS, ...options };
  }

  /** @returns what ends the work */
  async enter(isAlone: boolean): Promise<() => void> {
    await new Promise<void>((resolve) => {
      this.#waiting.add({ isAlone, sinceMs: this.#options.nowMs(), enter: resolve });
      this.#letIn();
    });
    return () => {
      if (isAlone) this.#aloneMs = undefined;
      else this.#together--;
      this.#letIn();
    };
  }

  #letIn(): void {
    clearTimeout(this.#timer);
    for (const one of this.#waiting) if (this.#mayEnter(one)) this.#enter(one);
    if (this.#aloneMs === undefined || this.#waiting.size === 0) return;
    const leftMs = this.#aloneMs + this.#options.longestAloneMs - this.#options.nowMs();
    if (leftMs > 0) this.#timer = setTimeout(() => this.#letIn(), leftMs).unref();
  }

  #enter(one: Waiting): void {
    this.#waiting.delete(one);
    if (one.isAlone) this.#aloneMs = this.#options.nowMs();
    else this.#together++;
    one.enter();
  }

  #mayEnter({ isAlone }: Waiting): boolean {
    const { longestAloneMs, longestWaitMs, nowMs } = this.#options;
    if (isAlone) return this.#together === 0 && this.#aloneMs === undefined;
    if (this.#aloneMs !== undefined) return nowMs() - this.#aloneMs >= longestAloneMs;
    return ![...this.#waiting].some((one) => one.isAlone && nowMs() - one.sinceMs >= longestWaitMs);
  }
}
