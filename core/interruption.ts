import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from './failure.ts';

/** Returns the failure of work whose `signal` was aborted: its reason where that is a Failure, else `interrupted`. */
export function interruption(signal: AbortSignal): Failure {
  const reason: unknown = signal.reason;
  if (reason instanceof Failure) return reason;
  return new Failure('interrupted', 'the work was stopped before its end', {
    hint: 'run it again to resume',
    cause: reason,
  });
}

/** The controller of a signal lives as long as the signal itself. */
const CONTROLLERS = new WeakMap<AbortSignal, AbortController>();
const FORGETTING = new FinalizationRegistry<() => void>((forget) => forget());

/**
 * One signal for several, some of which may be missing. A new one each time, which is forgotten by those that live longer
 * when nobody has it any more: `AbortSignal.any` leaves something of each on them (Node 20 to 24), which adds up over
 * millions of requests.
 */
export function anySignal(...signals: (AbortSignal | undefined)[]): AbortSignal {
  const controller = new AbortController();
  const { signal } = controller;
  // Whatever is under way for it listens.
  setMaxListeners(0, signal);
  CONTROLLERS.set(signal, controller);
  const reference = new WeakRef(controller);
  for (const source of signals) if (source !== undefined) follow(source, reference);
  return signal;
}

/** Knows nothing but the reference, so that it keeps nothing alive. */
function follow(source: AbortSignal, reference: WeakRef<AbortController>): void {
  const stop = (): void => reference.deref()?.abort(source.reason);
  const controller = reference.deref();
  if (source.aborted) {
    controller?.abort(source.reason);
    return;
  }
  // Until the garbage is collected, those that nobody has any more listen too.
  setMaxListeners(0, source);
  source.addEventListener('abort', stop, { once: true });
  if (controller !== undefined)
    FORGETTING.register(controller, () => source.removeEventListener('abort', stop));
}

/**
 * Settles like `work`, or rejects with the {@link interruption} as soon as `signal` aborts. `work` then continues, and its
 * outcome is dropped.
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
