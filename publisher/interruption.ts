import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../wishlist/failure.ts';

/** What work ends with when `signal` is aborted: its reason where that is a Failure, else `interrupted`. */
export function interruption(signal: AbortSignal): Failure {
  const reason: unknown = signal.reason;
  if (reason instanceof Failure) return reason;
  return new Failure('interrupted', 'the work was stopped before its end', {
    hint: 'start it again: it goes on where it stopped',
    cause: reason,
  });
}

/** One signal for several, some of which may be missing. A new one each time: listeners on a long-lived one add up. */
export function anySignal(...signals: (AbortSignal | undefined)[]): AbortSignal {
  return AbortSignal.any(signals.filter((signal) => signal !== undefined));
}

/**
 * What `work` comes to, or at once the {@link interruption} when `signal` is aborted before. `work` goes on then, and
 * its outcome is dropped.
 */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await work;
  return await new Promise<T>((resolve, reject) => {
    const stop = (): void => {
      reject(interruption(signal));
    };
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    void work.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', stop);
    });
  });
}

/** Waits. @throws Failure: the {@link interruption}, at once, when `signal` is aborted */
export async function pause(durationMs: number, signal: AbortSignal | undefined): Promise<void> {
  await unlessAborted(
    sleep(durationMs, undefined, signal && { signal }).catch(() => undefined),
    signal,
  );
}
