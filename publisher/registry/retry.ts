import { setTimeout as sleep } from 'node:timers/promises';
import type { Failure } from '../../wishlist/failure.ts';
import { interruption } from '../interruption.ts';

/** How often and how patiently to try. */
export interface RetryPolicy {
  /** The first try included. */
  readonly tries: number;
  /** Wait before the second try; each further wait is about twice the one before. */
  readonly retryDelayMs: number;
  readonly signal: AbortSignal;
  /** Told of the last error when the tries are used up. */
  readonly onGiveUp?: (last: Retryable) => void;
}

/** Thrown within {@link withRetries} for what may go better next time. */
export class Retryable extends Error {
  readonly failure: Failure;
  /** Tries that this kind of failure is worth, where that is fewer than the policy's. */
  readonly maximumTries: number;
  /** A wait that the server asked for. */
  readonly waitMs: number | undefined;

  constructor(failure: Failure, options: { maximumTries?: number; waitMs?: number | undefined } = {}) {
    super(failure.message, { cause: failure });
    this.failure = failure;
    this.maximumTries = options.maximumTries ?? Infinity;
    this.waitMs = options.waitMs;
  }
}

const LONGEST_DELAY_MS = 30_000;

/**
 * Calls `attempt` until it does not throw a {@link Retryable}; its other errors are thrown on at once.
 *
 * @throws Failure that the last {@link Retryable} holds, when the tries are used up
 */
export async function withRetries<T>(policy: RetryPolicy, attempt: () => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Retryable)) throw error;
      if (tried >= Math.min(policy.tries, error.maximumTries)) {
        policy.onGiveUp?.(error);
        throw error.failure;
      }
      await pause(error.waitMs ?? delayBefore(tried, policy.retryDelayMs), policy.signal);
    }
  }
}

/** The wait after `tried` tries: doubled each time, and spread so that many clients do not come back together. */
function delayBefore(tried: number, retryDelayMs: number): number {
  const delayMs = Math.min(retryDelayMs * 2 ** (tried - 1), LONGEST_DELAY_MS);
  return delayMs * (0.5 + Math.random());
}

/** @throws Failure `interrupted` when `signal` is aborted meanwhile */
async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(delayMs, undefined, { signal });
  } catch (error) {
    if (signal.aborted) throw interruption(signal);
    throw error;
  }
}
