import type { FailureCode } from '../../core/failure.ts';

/**
 * 0 all is done; 1 at least one image failed; 2 usage, configuration or recipe is wrong; 3 the repository or the state
 * cannot be used now; 70 a bug in unpackd that is not limited to one image (EX_SOFTWARE of sysexits.h); 130 interrupted by
 * a signal.
 */
export type ExitStatus = 0 | 1 | 2 | 3 | 70 | 130;

/** For the help. */
export const EXIT_STATUS_HELP: readonly (readonly [status: ExitStatus, meaning: string])[] = [
  [0, 'everything asked for is done'],
  [1, 'at least one image failed; each is a line on standard error'],
  [2, 'the usage, the configuration or the recipe is wrong'],
  [3, 'the repository or the state directory cannot be used now'],
  [70, 'a bug in unpackd'],
  [130, 'interrupted'],
];

const NOT_ONE: Readonly<Partial<Record<FailureCode, ExitStatus>>> = {
  'configuration-invalid': 2,
  'argument-unknown': 2,
  'recipe-unreadable': 2,
  'recipe-invalid': 2,
  'repository-unusable': 3,
  'repository-busy': 3,
  'disk-full': 3,
  'state-unusable': 3,
  interrupted: 130,
  bug: 70,
};

/** The exit status of a run that `failure` ended. */
export function exitStatusOf(failure: { readonly code: FailureCode }): ExitStatus {
  return NOT_ONE[failure.code] ?? 1;
}
