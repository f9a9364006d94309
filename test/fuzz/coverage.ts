import { Session } from 'node:inspector';

/**
 * Which parts of the program have run, told by V8 itself (precise block coverage), so that nothing has to be
 * instrumented: a part is a block of the program and, to the power of two, how often one input ran it.
 */
export class Coverage {
  readonly #session = new Session();
  readonly #isOfInterest: (url: string) => boolean;
  readonly #seen = new Set<string>();
  readonly #seenOfSeveral = new Set<string>();

  constructor(isOfInterest: (url: string) => boolean) {
    this.#isOfInterest = isOfInterest;
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** How many parts were ever seen. */
  get size(): number {
    return this.#seen.size;
  }

  /** How many parts the one input that has run since the last call was the first to run. */
  take(): number {
    return this.#addTo(this.#seen);
  }

  /** Whether one of several inputs that have run since the last call may have been the first to run some part. */
  takeOfSeveral(): boolean {
    return this.#addTo(this.#seenOfSeveral) > 0;
  }

  close(): void {
    this.#session.disconnect();
  }

  #addTo(seen: Set<string>): number {
    const before = seen.size;
    this.#session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error !== null) throw error;
      for (const script of result) if (this.#isOfInterest(script.url)) add(script, seen);
    });
    return seen.size - before;
  }
}

function add({ scriptId, functions }: ScriptCoverage, seen: Set<string>): void {
  for (const { ranges } of functions) {
    for (const { startOffset, endOffset, count } of ranges) {
      if (count > 0) seen.add(`${scriptId} ${startOffset} ${endOffset} ${Math.floor(Math.log2(count))}`);
    }
  }
}

interface ScriptCoverage {
  readonly scriptId: string;
  readonly functions: readonly {
    readonly ranges: readonly {
      readonly startOffset: number;
      readonly endOffset: number;
      readonly count: number;
    }[];
  }[];
}
