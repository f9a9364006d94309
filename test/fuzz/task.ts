/** What a fuzzing thread is to do. */
export interface Task {
  /** The module that exports `fuzz`. */
  readonly target: string;
  /** Inputs that earlier runs found worth keeping; more are added. */
  readonly corpus: string;
  /** Inputs to begin with. */
  readonly seeds: string;
  readonly findings: string;
  readonly seed: number;
  /** From when all of the corpus and the seeds have run. */
  readonly durationMs: number;
  /** The input that runs at this moment: its length in four bytes, then itself. */
  readonly current: SharedArrayBuffer;
}

export type Report =
  | { readonly type: 'finding'; readonly path: string; readonly text: string }
  | {
      readonly type: 'progress';
      readonly executions: number;
      readonly inputs: number;
      readonly parts: number;
      readonly rssBytes: number;
      readonly heapBytes: number;
    };
