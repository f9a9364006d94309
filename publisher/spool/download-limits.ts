import { Failure } from '../../core/failure.ts';
import { anySignal } from '../../core/interruption.ts';

export interface RateLimit {
  /** Start of a download in which its rate does not count. */
  readonly floorMs: number;
  /** Average that it must reach after that. */
  readonly rateBytesPerSecond: number;
}

/** Measures whether a download is fast enough for its size, over all its tries. */
export class Rate {
  readonly #limit: RateLimit;
  readonly #what: string;
  #beganMs: number | undefined;
  #bytes = 0;

  /** @param what is downloaded, for messages */
  constructor(limit: RateLimit, what: string) {
    this.#limit = limit;
    this.#what = what;
  }

  /** Time since the first response. */
  get durationMs(): number {
    return this.#beganMs === undefined ? 0 : performance.now() - this.#beganMs;
  }

  /** To be called when a response begins: the time runs from the first one on. */
  begin(): void {
    this.#beganMs ??= performance.now();
  }

  /** To be called for all bytes that arrive, wrong ones too. */
  count(bytes: number): void {
    this.#bytes += bytes;
  }

  get isTooSlow(): boolean {
    const { floorMs, rateBytesPerSecond } = this.#limit;
    return this.durationMs > floorMs + (this.#bytes / rateBytesPerSecond) * 1000;
  }

  /** The failure of a download that is too slow: `registry-timeout`. */
  failure(): Failure {
    const came = `${this.#bytes} bytes came in ${(this.durationMs / 1000).toFixed(1)} s`;
    return new Failure('registry-timeout', `${this.#what} comes too slowly: ${came}`, {
      hint: 'the next try resumes there; if slower registries are meant, allow less with --download-rate',
    });
  }
}

/** Settles like `work`. Its signal is aborted with `stop`, and with the failure of `limit` when the time is over. */
export async function withinTime<T>(
  { limitMs, failure }: { readonly limitMs: number; readonly failure: () => Failure },
  stop: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(failure()), limitMs);
  try {
    return await work(anySignal(stop, late.signal));
  } finally {
    clearTimeout(timer);
  }
}
