const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//;
/** Also one that was cut short. */
const DIGEST_AND_REST = /@(?:[A-Za-z0-9+._-]+:[0-9A-Fa-f]{32}.*|sha\d{3}:[0-9A-Fa-f]*)$/s;
const GLOB_AT_END = /^[^?#]*:[A-Za-z0-9._*?[\]{}!,-]*(?:@[a-z0-9]+:[0-9a-f]*)?$/;
const PORT_IS_NO_NUMBER = /^[^:[]*:.*[^0-9]/s;

/** Patterns that the tag of a reference may hold: `*` alone, or all globs. */
export type PatternSyntax = 'stars' | 'full';

/** Returns true where `text`, meant as an image reference, has a user name or password before the registry. */
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

/** Shorter secrets are part of many names (a password `latest`): masking them would mangle texts, and reveal them by the gaps. */
const SHORTEST = 8;
/** Longer secrets are not part of other words by chance. */
const LONGEST_WORD = 15;

/** A user and a password in base64 are unlike a word before they are so long. */
const SHORTEST_BASE64 = 4;

/**
 * The source of a regular expression (flag `u`) for a secret in a text of one line: as it is, and as JSON, percent-encoding
 * (RFC 3986, section 2.1, and forms), HTML, XML or YAML write it. A secret of 8 to 15 characters is looked for as a whole
 * word, a longer one everywhere.
 *
 * @returns `undefined` for a secret of fewer than 8 characters: that one is masked only where a credential stands
 */
export function secretPattern(secret: string): string | undefined {
  return patternOf(secret, SHORTEST);
}

/**
 * The same for what an Authorization header has of a login (RFC 7617, section 2), also in the alphabet for addresses and
 * without padding (RFC 4648, section 5).
 */
export function basicPattern(user: string, password: string): string | undefined {
  if (password === '') return undefined;
  const text = Buffer.from(`${user}:${password}`, 'utf8')
    .toString('base64')
    .replace(/={1,2}$/, '');
  const pattern = patternOf(text, SHORTEST_BASE64);
  return pattern === undefined ? undefined : `${pattern}(?:=|%3[Dd]|\\\\u003[Dd]){0,2}`;
}

function patternOf(secret: string, shortest: number): string | undefined {
  const characters = Array.from(secret);
  if (characters.length < shortest) return undefined;
  const body = characters.map(characterPattern).join('');
  if (characters.length > LONGEST_WORD) return body;
  const [first = '', last = ''] = [characters[0], characters.at(-1)];
  return `${isWordly(first) ? WORD_BEGINS : ''}${body}${isWordly(last) ? WORD_ENDS : ''}`;
}

/** Also behind an escape that ends in a letter or digit, such as `%3A` or `\n`. */
const WORD_BEGINS = String.raw`(?:(?<![\p{L}\p{N}])|(?<=%[0-9A-Fa-f]{2}|\\[bfnrt]|\\u[0-9A-Fa-f]{4}))`;
const WORD_ENDS = String.raw`(?![\p{L}\p{N}])`;

function isWordly(character: string): boolean {
  return /^[\p{L}\p{N}]$/u.test(character);
}

/** Characters that no format escapes. */
const PLAIN = /^[A-Za-z0-9._~]$/;

const OTHER_FORMS: Readonly<Record<string, readonly string[]>> = {
  // in a text of one line also a line break or tab
  ' ': [String.raw`\+`, String.raw`%0[9AaDd]`, String.raw`\\{1,4}[nrt]`],
  // base64 for addresses
  '+': ['-'],
  '/': ['_'],
  '&': ['&amp;'],
  '<': ['&lt;'],
  '>': ['&gt;'],
  '"': ['&quot;', '&#34;'],
  "'": ['&apos;', '&#39;', "''"],
};

function characterPattern(character: string): string {
  if (PLAIN.test(character)) return literal(character);
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
  const forms = [
    String.raw`\\{0,4}${literal(character)}`,
    [...Buffer.from(character, 'utf8')].map((byte) => `%${hex(byte, 2)}`).join(''),
    units.map((unit) => String.raw`\\{1,4}u${hex(unit, 4)}`).join(''),
    ...(OTHER_FORMS[character] ?? []),
  ];
  return `(?:${forms.join('|')})`;
}

function literal(character: string): string {
  return character.replace(/[$()*+./?[\\\]^{|}]/, String.raw`\$&`);
}

/** `value` in hexadecimal digits of either case. */
function hex(value: number, digits: number): string {
  const text = value.toString(16).padStart(digits, '0');
  return text.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
}
