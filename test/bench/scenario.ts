import type { Gauge, Measurement } from './measure.ts';

export const BACKENDS = ['directory', 'cvmfs'] as const;
export type BenchBackend = (typeof BACKENDS)[number];

/** One line of the table: a job, who did it, and what it took each time. */
export interface Row {
  readonly job: string;
  /** The first program of a job is what the others are compared with. */
  readonly program: string;
  readonly runs: readonly Measurement[];
  /** What else is to be known. */
  readonly note?: string;
}

export interface Bench {
  readonly gauge: Gauge;
  /** For everything that is written. */
  readonly folder: string;
  /** How often each pair is measured. */
  readonly runs: number;
  readonly backends: readonly BenchBackend[];
  /** For CPU profiles of unpackd; `undefined`: none are written. */
  readonly profile: string | undefined;
  /** Images of a registry in place of those that the bench makes, with their scheme. */
  readonly given: GivenImages;
  /** `count` times the scale of this run, which is 1 unless somebody wants a quick one. */
  readonly scaled: (count: number) => number;
  /** Reports what is not measured, and why. */
  readonly leaveOut: (what: string, why: string) => void;
}

export interface GivenImages {
  /** Published at once. */
  readonly cold: readonly string[];
  /** One more, on top of them. */
  readonly small: readonly string[];
  /** Two builds of one image. */
  readonly nights: readonly string[];
}

export interface Scenario {
  readonly name: string;
  readonly summary: string;
  readonly run: (bench: Bench) => Promise<Row[]>;
}
