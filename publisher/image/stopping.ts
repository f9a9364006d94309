import type { FailureCode } from '../../core/failure.ts';

/** Failures that are not one image's: nothing can be published in the repository while they last. */
export const STOPPING: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'repository-unusable',
  'repository-busy',
  'state-unusable',
  'interrupted',
]);

/** Failures of a registry, or of the way to it: they say nothing of the image, and end when it can be reached again. */
export const UNREACHABLE: ReadonlySet<string> = new Set<FailureCode>([
  'registry-unreachable',
  'registry-timeout',
  'dns-failed',
  'tls-failed',
]);
