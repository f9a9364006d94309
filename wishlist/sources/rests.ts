import type { Failure } from '../../core/failure.ts';

interface Rest {
  readonly failure: Failure;
  /** How often in a row it failed. */
  readonly tries: number;
  /** In ms since 1970. */
  readonly untilMs: number;
}

const MINUTE_MS = 60_000;
const LONGEST_MS = 60 * MINUTE_MS;
const SHORTEST_AFTER_BUG_MS = 5 * MINUTE_MS;

/**
 * Which sources are not asked for a while, since asking them fails and takes time that the others wait for: for ten times
 * as long as the failure took, so for nothing where it is told at once. After what nobody expected it is five minutes, and
 * twice as long each time. Never more than an hour.
 */
export class SourceRests {
  readonly #rests = new Map<string, Rest>();

  /** Why the source `name` is not to be asked at `nowMs`, since 1970; `undefined`: it is. */
  failureOf(name: string, nowMs: number): Failure | undefined {
    const rest = this.#rests.get(name);
    if (rest === undefined || rest.untilMs <= nowMs || rest.untilMs > nowMs + LONGEST_MS) return undefined;
    return rest.failure;
  }

  /** @param tookMs how long it took to find out */
  failed(name: string, failure: Failure, { tookMs, nowMs }: { tookMs: number; nowMs: number }): void {
    const tries = (this.#rests.get(name)?.tries ?? 0) + 1;
    const unexpectedMs = failure.code === 'bug' ? SHORTEST_AFTER_BUG_MS * 2 ** Math.min(tries - 1, 10) : 0;
    const untilMs = nowMs + Math.min(LONGEST_MS, Math.max(10 * tookMs, unexpectedMs));
    this.#rests.set(name, { failure, tries, untilMs });
  }

  succeeded(name: string): void {
    this.#rests.delete(name);
  }

  clear(): void {
    this.#rests.clear();
  }
}
