import { Failure } from './failure.ts';
import { quoted } from './quote.ts';
import { withoutSecrets } from './secrets.ts';

/** What an entry of `tags` says. */
export interface TagEntry {
  readonly kind: 'include' | 'exclude';
  readonly pattern: string;
}

const PATTERN = /^[A-Za-z0-9_*][A-Za-z0-9._*-]{0,127}$/;

/**
 * Reads an entry of `tags`: a tag, a pattern of tags, or with `!` in front what is left out.
 *
 * @throws Failure `setting-invalid`
 */
export function parseTagEntry(text: string): TagEntry {
  return text.startsWith('!')
    ? { kind: 'exclude', pattern: parseTagPattern(text.slice(1)) }
    : { kind: 'include', pattern: parseTagPattern(text) };
}

/**
 * Reads an entry of `exclude`: a tag or a pattern of tags.
 *
 * @throws Failure `setting-invalid`
 */
export function parseTagPattern(text: string): string {
  if (PATTERN.test(text)) return text;
  const written = quoted(withoutSecrets(text));
  const message = `${written} is no pattern of tags: it is not made of up to 128 letters, digits, . _ - and *, or begins with . or -`;
  throw new Failure('setting-invalid', message, {
    hint: 'write a tag, or a pattern in quotes; * stands for any number of characters',
  });
}
