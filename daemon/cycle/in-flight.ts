import { randomUUID } from 'node:crypto';
import { Failure } from '../../core/failure.ts';
import { formatReference } from '../../core/oci/reference.ts';
import { counted } from '../../core/text.ts';
import type { Guard, GuardedImage, WorkStage } from '../../publisher/pipeline/context.ts';
import type { Death, Run, UnderWay } from '../state/state.ts';
import type { StateStore } from './state-store.ts';

type Store = Pick<StateStore, 'underWay' | 'endRun' | 'failure'>;

/**
 * Records work before it begins, so that the next process knows what this one died of; and runs work on suspected
 * images alone.
 */
export class InFlight {
  readonly run: Run;
  readonly #store: Store;
  readonly #gate: Gate;
  /** Keys by {@link keyOf}. */
  readonly #suspects = new Set<string>();
  #begun = new Set<UnderWay>();
  #ended = new Set<UnderWay>();
  /** The write in progress, and the one queued behind it. */
  #writing: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #isOver = false;

  constructor({ store, spool, ...gate }: GateOptions & { readonly store: Store; readonly spool: string }) {
    this.run = { id: randomUUID(), spool };
    this.#store = store;
    this.#gate = new Gate(gate);
  }

  /** Declares that all work on an image is done within {@link alone}. @returns ends that */
  suspect(repository: string, publicName: string): () => void {
    const key = keyOf(repository, publicName);
    this.#suspects.add(key);
    return () => void this.#suspects.delete(key);
  }

  /** Runs `work` when nothing else is under way, and holds everything else back for a while. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    return await this.#inTurn(true, work);
  }

  guard(repository: string): Guard {
    return {
      turn: async (images, work) => {
        const isSuspect = images.some(({ wanted }) =>
          this.#suspects.has(keyOf(repository, wanted.publicName)),
        );
        return isSuspect ? await work() : await this.#inTurn(false, work);
      },
      during: async (stage, images, work) => {
        const rows = images.map((image) => rowOf(repository, stage, image));
        try {
          for (const row of rows) this.#begun.add(row);
          await this.#written();
          return await work();
        } finally {
          for (const row of rows) if (!this.#begun.delete(row)) this.#ended.add(row);
          void this.#written();
        }
      },
    };
  }

  async #inTurn<T>(isAlone: boolean, work: () => Promise<T>): Promise<T> {
    const leave = await this.#gate.enter(isAlone);
    try {
      return await work();
    } finally {
      leave();
    }
  }

  /** Called before the process ends: work under way is not to blame from now on. */
  async end(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#written();
    await this.#store.endRun(this.run);
  }

  /** Resolves when everything reported so far is written. Reports made during a write are batched into the next. */
  async #written(): Promise<void> {
    this.#next ??= this.#writeNext();
    await this.#next;
  }

  async #writeNext(): Promise<void> {
    await this.#writing;
    this.#next = undefined;
    this.#writing = this.#write();
    await this.#writing;
  }

  async #write(): Promise<void> {
    const [begun, ended] = [[...this.#begun], [...this.#ended]];
    this.#begun = new Set();
    this.#ended = new Set();
    // Where nothing can be remembered, nothing is to wait for that either.
    if (this.#isOver || this.#store.failure !== undefined || begun.length + ended.length === 0) return;
    await this.#store.underWay(this.run, begun, ended);
  }
}

function keyOf(repository: string, publicName: string): string {
  return `${repository} ${publicName}`;
}

function rowOf(repository: string, stage: WorkStage, { wanted, digest }: GuardedImage): UnderWay {
  const { publicName, reference } = wanted;
  return { repository, publicName, image: formatReference(reference), digest, stage };
}

/** After so many deaths an image is not tried again, unless it changes or somebody runs "retry". */
const MOST_DEATHS = 3;

const WORK: Readonly<Record<string, string>> = {
  looking: 'looked at',
  fetching: 'fetched and listed',
  composing: 'composed',
  publishing: 'published',
};

export function deathText({ count, stage, isAlone }: Death): string {
  const beside = isAlone ? ', and nothing else was under way' : '';
  return `unpackd was killed ${counted(count, 'time')} while it was ${WORK[stage] ?? stage}${beside}`;
}

export function isGivenUp({ count }: Death): boolean {
  return count >= MOST_DEATHS;
}

/** Reason why an image is not tried now. */
export function killedProcess(death: Death): Failure {
  const { image, digest } = death;
  const again = `"unpackd retry ${image}"`;
  const change = digest === undefined ? '' : ', and when its tag leads to another digest';
  return new Failure('killed-process', deathText(death), {
    hint: isGivenUp(death)
      ? `see in the journal what ended it (memory, the watchdog); it is tried again after ${again}${change}`
      : `it is tried again later, alone and after all others; or at once after ${again}`,
  });
}

/** Time after which others may join work that runs alone. */
const LONGEST_ALONE_MS = 15 * 60_000;
/** Time after which nothing else may overtake work that waits to run alone. */
const LONGEST_WAIT_MS = 60 * 60_000;

interface Waiting {
  readonly isAlone: boolean;
  readonly sinceMs: number;
  readonly enter: () => void;
}

export interface GateOptions {
  readonly nowMs: () => number;
  readonly longestAloneMs?: number;
  readonly longestWaitMs?: number;
}

/**
 * Admits work, either any number of pieces together or one alone. A piece that wants to be alone waits until
 * nothing else is under way. Time limits keep it from waiting for ever, and the others from waiting for it.
 */
export class Gate {
  readonly #options: Required<GateOptions>;
  readonly #waiting = new Set<Waiting>();
  #together = 0;
  /** Start of the work that runs alone. */
  #aloneMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: GateOptions) {
    this.#options = { longestAloneMs: LONGEST_ALONE_MS, longestWaitMs: LONGEST_WAIT_MS, ...options };
  }

  /** @returns call it when the work is done */
  async enter(isAlone: boolean): Promise<() => void> {
    await new Promise<void>((resolve) => {
      this.#waiting.add({ isAlone, sinceMs: this.#options.nowMs(), enter: resolve });
      this.#letIn();
    });
    return () => {
      if (isAlone) this.#aloneMs = undefined;
      else this.#together--;
      this.#letIn();
    };
  }

  #letIn(): void {
    clearTimeout(this.#timer);
    for (const one of this.#waiting) if (this.#mayEnter(one)) this.#enter(one);
    if (this.#aloneMs === undefined || this.#waiting.size === 0) return;
    const leftMs = this.#aloneMs + this.#options.longestAloneMs - this.#options.nowMs();
    if (leftMs > 0) this.#timer = setTimeout(() => this.#letIn(), leftMs).unref();
  }

  #enter(one: Waiting): void {
    this.#waiting.delete(one);
    if (one.isAlone) this.#aloneMs = this.#options.nowMs();
    else this.#together++;
    one.enter();
  }

  #mayEnter({ isAlone }: Waiting): boolean {
    const { longestAloneMs, longestWaitMs, nowMs } = this.#options;
    if (isAlone) return this.#together === 0 && this.#aloneMs === undefined;
    if (this.#aloneMs !== undefined) return nowMs() - this.#aloneMs >= longestAloneMs;
    return ![...this.#waiting].some((one) => one.isAlone && nowMs() - one.sinceMs >= longestWaitMs);
  }
}
