const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//;
/** Also one that was cut short. */
const DIGEST_AND_REST = /@(?:[A-Za-z0-9+._-]+:[0-9A-Fa-f]{32}.*|sha\d{3}:[0-9A-Fa-f]*)$/s;
const GLOB_AT_END = /^[^?#]*:[A-Za-z0-9._*?[\]{}!,-]*(?:@[a-z0-9]+:[0-9a-f]*)?$/;
const PORT_IS_NO_NUMBER = /^[^:[]*:.*[^0-9]/s;

/** What a tag in a reference may hold: `*` alone, or all globs. */
export type PatternSyntax = 'stars' | 'full';

/** Whether `text`, meant as an image reference, carries a user name or password in front of the registry. */
export function holdsCredentials(text: string): boolean {
  return endOfCredentials(text) !== undefined;
}

/**
 * `text` for messages and reports: `***` for what may be a password, or a token in a query string. Where `patterns` is
 * `full` a `?` in a tag begins no query string.
 */
export function withoutSecrets(text: string, patterns: PatternSyntax = 'stars'): string {
  const end = endOfCredentials(text);
  const withoutCredentials =
    end === undefined ? text : `${text.slice(0, startOfAuthority(text))}***${text.slice(end)}`;
  if (!holdsQuery(withoutCredentials, patterns)) return withoutCredentials;
  return withoutCredentials.replace(/\?.+/s, '?***');
}

/**
 * Whether `text`, meant as an image reference, has a query string or a fragment. Where `patterns` is `full` a tag may hold
 * a `?`, but what no pattern holds, such as a `=`, makes it a query string all the same: it may be a token's.
 */
export function holdsQuery(text: string, patterns: PatternSyntax): boolean {
  return /[?#]/.test(patterns === 'full' ? text.replace(GLOB_AT_END, '') : text);
}

/**
 * The offset of the `@` that ends the user information of `text`. A password can itself hold `@`, `:` and, written
 * wrongly, `/`; in doubt it is a password.
 */
function endOfCredentials(text: string): number | undefined {
  const start = startOfAuthority(text);
  const body = text.slice(start).replace(DIGEST_AND_REST, '');
  const at = body.lastIndexOf('@');
  if (at === -1) return undefined;
  const before = body.slice(0, at);
  const [first = ''] = before.split('/', 1);
  const inFrontOfHost = first === before || body.includes('/', at) || PORT_IS_NO_NUMBER.test(first);
  return inFrontOfHost ? start + at : undefined;
}

function startOfAuthority(text: string): number {
  return SCHEME.exec(text)?.[0].length ?? 0;
}
