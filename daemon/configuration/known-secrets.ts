import { basicPattern, secretPattern } from '../../core/secrets.ts';
import { flatten } from './flatten.ts';

/** Sources of regular expressions. */
const patterns = new Set<string>();
/** All of them in one; made when it is needed. */
let known: RegExp | undefined;

/**
 * From now on all that is printed has `***` in place of `secret`, in any form that a text may have it in; not in place of
 * one so short that it would be found in names ({@link secretPattern}).
 */
export function hideSecret(secret: string): void {
  add(secretPattern(flatten(secret)));
}

/** Hides the password, and user and password together as an Authorization header has them. */
export function hideLogin(user: string, password: string): void {
  hideSecret(password);
  add(basicPattern(user, password));
}

export function maskKnownSecrets(text: string, mask: string): string {
  if (patterns.size === 0) return text;
  // The longest first: one can be the beginning of another.
  known ??= new RegExp([...patterns].sort((a, b) => b.length - a.length).join('|'), 'gu');
  return text.replace(known, () => mask);
}

function add(pattern: string | undefined): void {
  if (pattern === undefined || patterns.has(pattern)) return;
  patterns.add(pattern);
  known = undefined;
}
