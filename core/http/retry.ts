import type { Failure } from '../failure.ts';
import { pause } from '../interruption.ts';

/** Number of tries, and waits between them. */
export interface RetryPolicy {
  /** The first try included; those that got further do not count. */
  readonly tries: number;
  /** Wait before the second try; each further wait is about twice the one before. */
  readonly retryDelayMs: number;
  readonly signal: AbortSignal;
  /** Told of the last error when the tries are used up. */
  readonly onGiveUp?: (last: Retryable) => void;
}

/** Longest wait because a server asks for it. */
export const MAXIMUM_WAIT_MS = 60_000;

/** From how many new bytes on a try of a body got further, although it failed. @internal */
export const PROGRESS_BYTES = 1024 * 1024;

/** Thrown within {@link withRetries} for what may go better next time. */
export class Retryable extends Error {
  readonly failure: Failure;
  /**
   * Whether the try got further, and does not count. Only bytes that the next try resumes from may be given as new, and
   * a try that drops such bytes must count: then a body of `n` bytes that is begun `k` times is asked for at most
   * `k * n / PROGRESS_BYTES + tries` times.
   */
  readonly isProgress: boolean;
  /** Tries that this kind of failure is worth, where that is fewer than the policy's. */
  readonly maximumTries: number;
  /** A wait that the server asked for. */
  readonly waitMs: number | undefined;

  constructor(
    failure: Failure,
    options: { maximumTries?: number; waitMs?: number | undefined; newBytes?: number } = {},
  ) {
    super(failure.message, { cause: failure });
    this.failure = failure;
    this.isProgress = (options.newBytes ?? 0) >= PROGRESS_BYTES;
    this.maximumTries = options.maximumTries ?? Infinity;
    this.waitMs = options.waitMs;
  }
}

const LONGEST_DELAY_MS = 30_000;

/**
 * Calls `attempt`, with 1 and then one more each time, until it does not throw a {@link Retryable}; its other errors
 * are thrown on at once.
 *
 * @throws Failure that the last {@link Retryable} holds, when the tries are used up
 */
export async function withRetries<T>(
  policy: RetryPolicy,
  attempt: (number: number) => Promise<T>,
): Promise<T> {
  let counted = 0;
  for (let number = 1; ; number += 1) {
    try {
      return await attempt(number);
    } catch (error) {
      if (!(error instanceof Retryable)) throw error;
      if (!error.isProgress) counted += 1;
      if (counted >= Math.min(policy.tries, error.maximumTries)) {
        policy.onGiveUp?.(error);
        throw error.failure;
      }
      await pause(error.waitMs ?? delayBefore(counted, policy.retryDelayMs), policy.signal);
    }
  }
}

/** The wait after `counted` tries: doubled each time, and spread so that many clients do not come back together. */
function delayBefore(counted: number, retryDelayMs: number): number {
  const delayMs = Math.min(retryDelayMs * 2 ** Math.max(counted - 1, 0), LONGEST_DELAY_MS);
  return delayMs * (0.5 + Math.random());
}

/**
 * The same request may be answered otherwise in a moment. 501 and 505 say what the server cannot do at all.
 *
 * @see RFC 9110, sections 15.5.9 and 15.6; RFC 8470 for 425; RFC 6585 for 429
 */
export function isRetryable(status: number): boolean {
  if (status === 501 || status === 505) return false;
  return status >= 500 || status === 408 || status === 425 || status === 429;
}

/**
 * Reads the wait that `Retry-After` asks for, counted from `nowMs`; `undefined` where it says nothing readable.
 *
 * @see RFC 9110, section 10.2.3
 */
export function parseRetryAfter(field: string, nowMs: number): number | undefined {
  if (/^\d{1,9}$/.test(field)) return Number(field) * 1000;
  if (!/^[A-Z][a-z]{2}/.test(field)) return undefined;
  const time = Date.parse(field);
  return Number.isNaN(time) ? undefined : Math.max(0, time - nowMs);
}
