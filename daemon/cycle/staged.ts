export interface Staged<T> {
  /** Resolves when the first part is done, or when all work has settled. */
  readonly first: Promise<void>;
  readonly ended: Promise<T>;
}

/** Starts `work`, which calls `onFirst` when its first part is done. */
export function staged<T>(work: (onFirst: () => void) => Promise<T>): Staged<T> {
  let settle: (() => void) | undefined;
  const first = new Promise<void>((resolve) => (settle = resolve));
  const onFirst = (): void => settle?.();
  const ended = work(onFirst);
  // Errors reach those that wait for the end; until then they are nobody's.
  ended.then(onFirst, onFirst);
  return { first, ended };
}

/** Waits for `work` for at most `patienceMs`, which may be infinite. @returns true if it settled in time */
export async function soon(work: Promise<unknown>, patienceMs: number): Promise<boolean> {
  const done = work.then(() => true);
  if (patienceMs === Number.POSITIVE_INFINITY) return await done;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), patienceMs);
  });
  try {
    return await Promise.race([done, late]);
  } finally {
    clearTimeout(timer);
  }
}
