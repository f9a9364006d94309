import type { Measurement } from '../measure.ts';
import type { Bench, BenchBackend } from '../scenario.ts';

/** A program that publishes images, or does what comes next to it. */
export interface Contender {
  readonly name: string;
  readonly backend: BenchBackend;
  /** Why it cannot take part on this machine. */
  readonly missing: () => string | undefined;
  /** Prepares what all runs need. */
  readonly prepare?: (job: Job) => Promise<void>;
  /** A place of its own, with nothing published yet. */
  readonly open: (job: Job, work: string) => Promise<Place>;
}

export interface Job {
  readonly bench: Bench;
  /** Images of the publications, one after the other. */
  readonly steps: readonly (readonly string[])[];
  /** For what all of its runs use. */
  readonly folder: string;
  /** For CPU profiles. */
  readonly profile: string | undefined;
}

export interface Place {
  /** Makes the publication `index` of the job. @returns `undefined` where the program has nothing like it */
  publish(images: readonly string[], index: number): Promise<Measurement | undefined>;
  /** Ends what runs, and takes away what lies outside of the work folder. */
  close(): Promise<void>;
}

/** `127.0.0.1:5000/lab/tool:1` of `http://127.0.0.1:5000/lab/tool:1`. */
export function withoutScheme(image: string): string {
  return image.replace(/^\w+:\/\//, '');
}
