import type { FailureCode } from '../wishlist/failure.ts';

/** Failures that are not one image's: nothing can be published in the repository while they last. */
export const STOPPING: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'repository-unusable',
  'repository-busy',
  'state-unusable',
  'interrupted',
]);
