import { basicPattern, secretPattern } from '../../core/secrets.ts';

const HIDDEN = '***';

/** Regular expressions for the secrets that were read. */
const patterns = new Set<string>();
/** The union of all patterns; compiled on use. */
let known: RegExp | undefined;

/**
 * Masks `secret` in all output from now on, in any encoding a text may have it in. Secrets so short that they occur in
 * names are not masked ({@link secretPattern}).
 */
export function hideSecret(secret: string): void {
  add(secretPattern(flatten(secret)));
}

/** Masks the password, and user and password as an Authorization header encodes them. */
export function hideLogin(user: string, password: string): void {
  hideSecret(password);
  add(basicPattern(user, password));
}

function maskKnownSecrets(text: string): string {
  if (patterns.size === 0) return text;
  // The longest first: one can be a prefix of another.
  known ??= new RegExp([...patterns].sort((a, b) => b.length - a.length).join('|'), 'gu');
  return text.replace(known, () => HIDDEN);
}

function add(pattern: string | undefined): void {
  if (pattern === undefined || patterns.has(pattern)) return;
  patterns.add(pattern);
  known = undefined;
}

/** Not within a name: `quay.io/lab/bearer`, `lab:authorization`. */
const NOT_IN_NAME = String.raw`(?<![\w./:@-])`;
/** Between a header's name and value, in lines, JSON, objects and lists. */
const IS = String.raw`["']?\s*(?:[:=]|,(?=\s*["']))(?:\s*\[?["']|\s*\[|\s+)`;
const SCHEME = 'basic|bearer|digest|negotiate|token';
/** A credential of a header (RFC 9110, section 11.4), not a word of a sentence, a path or a parameter of a challenge. */
const TOKEN = String.raw`(?!\/|[\w-]+=["'])(?=[\w.~+/-]*(?:[\d_~+=]|[a-z][A-Z]))[\w.~+/-]{6,}=*(?![\w=])`;
/** Name of a parameter or variable with a secret value: `access_token`, `X-Amz-Signature`, `LAB_PASS`. */
const SECRET_KEY = String.raw`[\w.~%-]*(?:pass(?:word|wd|phrase)?|pwd|secret|token|key|credentials?|signature|sig|auth|jwt)`;

/** Places of credentials in a text, with their replacement. */
const CREDENTIAL_PATTERNS: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  // https://USER:PASSWORD@host, with an @ in the password too, but not the @ of a digest
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/?#"']*@(?!sha\d{3}:)/gi, `$1${HIDDEN}@`],
  // the same with one slash, after it was taken for a path
  [/\b(https?:\/)[^\s/?#"']*@(?!sha\d{3}:)/gi, `$1${HIDDEN}@`],
  // Authorization: SCHEME TOKEN
  [
    new RegExp(
      String.raw`${NOT_IN_NAME}((?:proxy-)?authorization${IS})(?:((?:${SCHEME})\s+)[^\s"',;\]]+|${TOKEN})`,
      'gi',
    ),
    `$1$2${HIDDEN}`,
  ],
  // Cookie: NAME=VALUE; NAME=VALUE
  [
    new RegExp(String.raw`${NOT_IN_NAME}((?:set-)?cookie${IS})[^\s=;"']+(?==)(?:="[^"]*"|[^"'\]])*`, 'gi'),
    `$1${HIDDEN}`,
  ],
  // Bearer TOKEN anywhere else, except in a registry's challenge
  [
    new RegExp(String.raw`${NOT_IN_NAME}((?:[Bb]asic|[Bb]earer|BASIC|BEARER)\s+)${TOKEN}`, 'g'),
    `$1${HIDDEN}`,
  ],
  // https://…?token=VALUE&sig=VALUE#access_token=VALUE, forms and variables; image names have no =
  [
    new RegExp(String.raw`(?<![\w./:@%~-])(${SECRET_KEY}=)(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s&;#"'<>]+)`, 'gi'),
    `$1${HIDDEN}`,
  ],
  // "key": "VALUE" as in JSON
  [new RegExp(String.raw`("${SECRET_KEY}"\s*:\s*)"(?:[^"\\]|\\.)*"`, 'gi'), `$1"${HIDDEN}"`],
];

const JSON_WEB_TOKEN = /\b(eyJ[\w-]{8,})\.[\w-]+\.[\w-]*/g;

/**
 * Makes `text` safe to print: one line, no control characters, `***` for secrets that were read and for whatever stands
 * where credentials do. Words alone mask nothing: an image may be called `auth/passwd:1`. Control characters are removed
 * first, so that they cannot split a secret; known secrets contain none.
 */
export function redact(text: string): string {
  let shown = maskKnownSecrets(flatten(text));
  for (const [pattern, replacement] of CREDENTIAL_PATTERNS) shown = shown.replace(pattern, replacement);
  return shown.replace(JSON_WEB_TOKEN, (token, header: string) => (isJson(header) ? HIDDEN : token));
}

/**
 * The same for the start of a line, where `::` is a command to a CI runner.
 *
 * @see https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs, `TryParseV2`
 */
export function redactLine(text: string): string {
  return redact(text).replace(/^(\s*):(?=:)/, '$1: ');
}

/** Tells a token's header, base64url of JSON (RFC 7519, section 3), from a tag that begins like one. */
function isJson(header: string): boolean {
  try {
    JSON.parse(Buffer.from(header, 'base64url').toString('utf8'));
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** Start of an address; after path normalization `https://` has one slash. */
const BEGIN = String.raw`\b(?:[a-z][a-z0-9+.-]*:\/\/|https?:\/)`;
/** User and password, which may contain slashes. */
const CREDENTIALS = new RegExp(String.raw`(${BEGIN})[^\n]*@`, 'gi');
const QUERY = new RegExp(String.raw`(${BEGIN}[^?#]*[?#]).+$`, 'gis');

/**
 * Masks user, password and query of `text`, a single value that may be an address or a path made of one. It removes too
 * much rather than too little: not for whole sentences.
 */
export function withoutAddressSecrets(text: string): string {
  return text.replace(CREDENTIALS, '$1***@').replace(QUERY, '$1***');
}

/** Makes one value of a configuration safe to print. */
export function masked(text: string): string {
  return redact(withoutAddressSecrets(text));
}

const ESCAPE = String.fromCharCode(0x1b);
const BELL = String.fromCharCode(0x07);
/** Terminal escape sequences (ECMA-48): CSI, OSC with its text, and two-character ones. */
const ESCAPE_SEQUENCE = new RegExp(
  String.raw`${ESCAPE}(?:\[[0-?]*[ -/]*[@-~]|\][^${BELL}${ESCAPE}]{0,1000}(?:${BELL}|${ESCAPE}\\)|[@-Z\\^_])`,
  'g',
);
const LINE_BREAK = /[\t\n\v\f\r\u0085\u2028\u2029]+/g;
/** Control characters, invisible ones, and those that change the writing direction. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}]/gu;

/**
 * Commands to a CI runner, recognized anywhere in a line: `##[` at GitHub, `##vso[` at Azure.
 *
 * @see https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs, `TryParse`
 */
const RUNNER_COMMAND = /##(?=[a-z]*\[)/gi;

/** Makes `text` one line without control characters and commands to a CI runner. */
export function flatten(text: string): string {
  const line = text.replace(ESCAPE_SEQUENCE, '').replace(LINE_BREAK, ' ').replace(INVISIBLE, '').trim();
  return withoutRunnerCommands(line);
}

/** Defuses commands to a CI runner without changing the length of `text`. */
export function withoutRunnerCommands(text: string): string {
  return text.replaceAll(RUNNER_COMMAND, '# ');
}
