import type { Failure } from '../../core/failure.ts';
import { anySignal } from '../../core/interruption.ts';

/** How long work may take, and what it fails with otherwise: asked for at that moment. */
export interface TimeLimit {
  readonly limitMs: number;
  readonly failure: () => Failure;
}

/** What `work` comes to. Its signal is aborted with `stop`, and with the failure of `limit` when the time is over. */
export async function withinTime<T>(
  { limitMs, failure }: TimeLimit,
  stop: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(() => {
    late.abort(failure());
  }, limitMs);
  try {
    return await work(anySignal(stop, late.signal));
  } finally {
    clearTimeout(timer);
  }
}
