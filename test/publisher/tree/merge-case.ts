import type { FailureCode } from '../../../core/failure.ts';
import { directory, file } from '../../support/images/layer-entry.ts';
import type { Stack } from './stack.ts';

export interface MergeCase {
  readonly what: string;
  readonly stack: Stack;
  /** As `treeLines` gives it, or the code of the failure. */
  readonly expected: readonly string[] | FailureCode;
  /** Where an unpacker that works member by member gives another tree, and why that is no matter. */
  readonly differs?: string;
}

/** A directory with something in it. */
export const LOWER = [directory('d', { mode: 0o700 }), file('d/a', 'lower a'), file('d/b', 'lower b')];
export const LOWER_LINES = ['d/ 700', 'd/a = lower a', 'd/b = lower b'];
