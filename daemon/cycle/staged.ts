export interface Staged<T> {
  /** Resolves when the first part is done, or when all work has settled. */
  readonly first: Promise<void>;
  readonly ended: Promise<T>;
}

/** Starts `work`, which calls `onFirst` when its first part is done. */
export function staged<T>(work: (onFirst: () => void) => Promise<T>): Staged<T> {
  const tellers: (() => void)[] = [];
  const first = new Promise<void>((resolve) => void tellers.push(resolve));
  const tell = (): void => {
    for (const one of tellers) one();
  };
  const ended = work(tell);
  // Whoever waits for the end is told of an error; until then it is nobody's.
  ended.then(tell, tell);
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
