import { Failure } from '../../core/failure.ts';

/** How slow a download may be. */
export interface RateLimit {
  /** How long it may bring as little as it likes. */
  readonly floorMs: number;
  /** What it must bring on average after that. */
  readonly rateBytesPerSecond: number;
}

/** Tells whether a download still comes in proportion to its size, over all its tries. */
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

  /** How long it has been since the first answer, in ms. */
  get durationMs(): number {
    return this.#beganMs === undefined ? 0 : performance.now() - this.#beganMs;
  }

  /** To be called when an answer begins: the time runs from the first one on. */
  begin(): void {
    this.#beganMs ??= performance.now();
  }

  /** To be called for all that comes, also for what is no good. */
  count(bytes: number): void {
    this.#bytes += bytes;
  }

  get isTooSlow(): boolean {
    const { floorMs, rateBytesPerSecond } = this.#limit;
    return this.durationMs > floorMs + (this.#bytes / rateBytesPerSecond) * 1000;
  }

  /** What a download ends with that is too slow: `registry-timeout`. */
  failure(): Failure {
    const came = `${this.#bytes} bytes came in ${(this.durationMs / 1000).toFixed(1)} s`;
    return new Failure('registry-timeout', `${this.#what} comes too slowly: ${came}`, {
      hint: 'it goes on from there when it is tried again; if slower registries are meant, allow less with --download-rate',
    });
  }
}
