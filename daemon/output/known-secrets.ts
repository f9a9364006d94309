import { flatten } from './flatten.ts';

/** A shorter secret is part of many words: masking it would mangle texts, and give it away by its gaps. */
const SHORTEST = 6;

/** Each as it may stand in a text, the longest first: one can be the beginning of another. */
let known: readonly string[] = [];

/** From now on all that is printed has `***` in place of `secret`, of any form that a text may have it in. */
export function hideSecret(secret: string): void {
  const line = flatten(secret);
  const forms = [line, JSON.stringify(line).slice(1, -1), encodeURIComponent(line)];
  const added = forms.filter((form) => form.length >= SHORTEST && !known.includes(form));
  if (added.length > 0) known = [...new Set([...known, ...added])].sort((a, b) => b.length - a.length);
}

/** Hides the password, and user and password together as an Authorization header has them (RFC 7617, section 2). */
export function hideLogin(user: string, password: string): void {
  hideSecret(password);
  if (password !== '') hideSecret(Buffer.from(`${user}:${password}`, 'utf8').toString('base64'));
}

export function maskKnownSecrets(text: string, mask: string): string {
  let shown = text;
  for (const secret of known) shown = shown.replaceAll(secret, () => mask);
  return shown;
}
