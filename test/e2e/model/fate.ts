import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/** Everything in which the backend changes a repository. */
const DEADLY = ['renameSync', 'rmSync', 'mkdirSync', 'writeFileSync', 'linkSync', 'symlinkSync'] as const;

/**
 * Ends what is a process in this one, at a point of its life: from then on it can change neither repositories nor its state. What
 * it did before stays, as with a process that was killed.
 */
export class Fate {
  #left = Number.POSITIVE_INFINITY;
  #isDead = false;
  readonly #onDeath: () => void;

  constructor(onDeath: () => void) {
    this.#onDeath = onDeath;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Lets the process die at the `points`-th point from now. */
  dieIn(points: number): void {
    this.#left = points;
  }

  /** The process lives on, if it still does. */
  spare(): void {
    this.#left = Number.POSITIVE_INFINITY;
  }

  /** @throws an error once it is dead */
  point(): void {
    if (!this.#isDead && --this.#left < 0) {
      this.#isDead = true;
      this.#onDeath();
    }
    if (this.#isDead) throw new Error('the process is dead');
  }
}

let current: Fate | undefined;

/** Whose life the calls of `node:fs` are. */
export function live(fate: Fate | undefined): void {
  current = fate;
}

/** Makes the calls of `node:fs` that change repositories points of a life. @returns ends that */
export function mortalFileSystem(): () => void {
  const calls: Record<string, unknown> = fs;
  const before = DEADLY.map((name) => [name, calls[name]] as const);
  for (const [name, call] of before)
    calls[name] = (...values: readonly unknown[]): unknown => {
      current?.point();
      return Reflect.apply(call as () => unknown, fs, values);
    };
  syncBuiltinESMExports();
  return () => {
    for (const [name, call] of before) calls[name] = call;
    syncBuiltinESMExports();
  };
}

/** `target`, each of whose methods, also of its parts, is two points of a life; `close` is none. */
export function mortal<T extends object>(target: T, fate: Fate): T {
  return new Proxy(target, {
    get(of, key): unknown {
      const value: unknown = Reflect.get(of, key);
      if (typeof value === 'object' && value !== null) return mortal(value, fate);
      if (typeof value !== 'function' || key === 'close')
        return typeof value === 'function' ? value.bind(of) : value;
      return async (...values: readonly unknown[]): Promise<unknown> => {
        fate.point();
        const result: unknown = await Reflect.apply(value, of, values);
        fate.point();
        return result;
      };
    },
  });
}
