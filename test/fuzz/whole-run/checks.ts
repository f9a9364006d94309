import { LIMITS } from './limits.ts';

/** What was seen of a run. */
export interface Observation {
  /** `undefined` where it did not end by itself. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** The most memory that it held. */
  readonly peakBytes: number;
  /** The longest time in which nothing else could happen in the process. */
  readonly silenceMs: number;
  /** Where the good image is not what it is without guests; a line each. */
  readonly good: readonly string[];
  /** What has changed around the repository; a line each. */
  readonly outside: readonly string[];
  /** Trees that have one name and are not equal in two runs; a line each. */
  readonly unequal: readonly string[];
}

export type Kind =
  'no end' | 'exit status' | 'bug' | 'memory' | 'silence' | 'good image' | 'outside' | 'unequal';

export interface Violation {
  readonly kind: Kind;
  readonly text: string;
}

/** What must not be, whatever the guests were. */
export function violationsOf(seen: Observation): Violation[] {
  const { status, stderr, peakBytes, silenceMs, good, outside, unequal } = seen;
  const found: Violation[] = [];
  const add = (kind: Kind, text: string): void => void found.push({ kind, text });
  if (status === undefined)
    add('no end', `it had not ended after ${LIMITS.runMs / 1000} s, or a signal ended it`);
  // What is wrong with a guest is one image's failure.
  else if (status !== 0 && status !== 1) add('exit status', String(status));
  const bugs = stderr.split('\n').filter((line) => line.includes('error[bug]'));
  if (bugs.length > 0) add('bug', bugs.join('\n'));
  if (peakBytes > LIMITS.memoryBytes) add('memory', `${Math.round(peakBytes / 1e6)} MB`);
  if (silenceMs > LIMITS.silenceMs) add('silence', `${silenceMs} ms`);
  if (good.length > 0) add('good image', firstOf(good));
  if (outside.length > 0) add('outside', firstOf(outside));
  if (unequal.length > 0) add('unequal', firstOf(unequal));
  return found;
}

function firstOf(lines: readonly string[]): string {
  return lines.slice(0, 10).join('\n');
}
