/** The releases that the double can stand for: what they do otherwise than one another was read in their sources. */
export type Release = '2.12' | '2.14';

export const RELEASE_VARIABLE = 'UNPACKD_DOUBLE_RELEASE';

/** The one that this process stands for. */
export function release(): Release {
  return process.env[RELEASE_VARIABLE] === '2.14' ? '2.14' : '2.12';
}
