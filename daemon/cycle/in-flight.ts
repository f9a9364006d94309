import { randomUUID } from 'node:crypto';
import type { Guard, GuardedImage, WorkStage } from '../../publisher/pipeline/context.ts';
import { formatReference } from '../../core/oci/reference.ts';
import type { Run, UnderWay } from '../state/state.ts';
import { Gate, type GateOptions } from './gate.ts';
import type { History } from './history.ts';

export interface InFlightOptions extends GateOptions {
  readonly history: Pick<History, 'underWay' | 'endRun' | 'failure'>;
  readonly spool: string;
}

/**
 * Writes down what is under way before it begins, so that who comes after a process that died knows what it died of; and
 * lets images that are suspected of that be worked on alone.
 */
export class InFlight {
  readonly run: Run;
  readonly #history: InFlightOptions['history'];
  readonly #gate: Gate;
  /** By {@link keyOf}. */
  readonly #suspects = new Set<string>();
  #begun = new Set<UnderWay>();
  #ended = new Set<UnderWay>();
  /** What is being written, and what waits for that. */
  #writing: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #isOver = false;

  constructor(options: InFlightOptions) {
    this.run = { id: randomUUID(), spool: options.spool };
    this.#history = options.history;
    this.#gate = new Gate(options);
  }

  /** Does all work on an image within {@link alone}, until what is returned is called. */
  suspect(repository: string, publicName: string): () => void {
    const key = keyOf(repository, publicName);
    this.#suspects.add(key);
    return () => void this.#suspects.delete(key);
  }

  /** Calls `work` when nothing is under way, and lets nothing else begin for a while. */
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
          await this.#begin(rows);
          return await work();
        } finally {
          this.#end(rows);
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

  /** The process is to end: whatever ends it from now on, what is under way is not to blame. */
  async end(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#written();
    await this.#history.endRun(this.run);
  }

  async #begin(rows: readonly UnderWay[]): Promise<void> {
    for (const row of rows) this.#begun.add(row);
    await this.#written();
  }

  #end(rows: readonly UnderWay[]): void {
    for (const row of rows) if (!this.#begun.delete(row)) this.#ended.add(row);
    void this.#written();
  }

  /** When all is written that has been told so far: in one go with what is told while something is being written. */
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
    if (this.#isOver || this.#history.failure !== undefined || begun.length + ended.length === 0) return;
    await this.#history.underWay(this.run, begun, ended);
  }
}

function keyOf(repository: string, publicName: string): string {
  return `${repository} ${publicName}`;
}

function rowOf(repository: string, stage: WorkStage, { wanted, digest }: GuardedImage): UnderWay {
  return {
    repository,
    publicName: wanted.publicName,
    image: formatReference(wanted.reference),
    digest,
    stage,
  };
}
