import type { FailureCode } from '../../core/failure.ts';

/** The exit statuses as the help has them; 70 is EX_SOFTWARE of sysexits.h, of a bug that is not limited to one image. */
export const EXIT_STATUS_HELP = [
  [0, 'everything asked for is done'],
  [1, 'at least one image failed; each is a line on standard error'],
  [2, 'the usage, the configuration or the recipe is wrong'],
  [3, 'the repository or the state directory cannot be used now'],
  [70, 'a bug in unpackd'],
  [130, 'interrupted'],
] as const;

export type ExitStatus = (typeof EXIT_STATUS_HELP)[number][0];

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
