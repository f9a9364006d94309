import { flatten } from './flatten.ts';
import { maskKnownSecrets } from './known-secrets.ts';

const HIDDEN = '***';

/** Not within a name: `quay.io/lab/bearer`, `lab:authorization`. */
const NOT_IN_NAME = String.raw`(?<![\w./:@-])`;
/** Between the name of a header and its value, as lines, JSON, objects and lists have it. */
const IS = String.raw`["']?\s*(?:[:=]|,(?=\s*["']))(?:\s*\[?["']|\s*\[|\s+)`;
const SCHEME = 'basic|bearer|digest|negotiate|token';
/** A credential as the header has it (RFC 9110, section 11.4), and no word of a sentence, path or parameter of a challenge. */
const TOKEN = String.raw`(?!\/|[\w-]+=["'])(?=[\w.~+/-]*(?:[\d_~+=]|[a-z][A-Z]))[\w.~+/-]{6,}=*(?![\w=])`;
/** The end of the name of a parameter or variable whose value is secret: `access_token`, `X-Amz-Signature`, `LAB_PASS`. */
const SECRET_KEY = String.raw`[\w.~%-]*(?:pass(?:word|wd|phrase)?|pwd|secret|token|key|credentials?|signature|sig|auth|jwt)`;

/** Where credentials stand, and what is put in place of them. */
const PLACES: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  // https://USER:PASSWORD@host, with an @ in the password too; the @ of an image's digest is none
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/?#"']*@(?!sha\d{3}:)/gi, `$1${HIDDEN}@`],
  // the same where it was taken for a path, which has left one slash
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
  // Bearer TOKEN in any other place, but not the challenge of a registry
  [
    new RegExp(String.raw`${NOT_IN_NAME}((?:[Bb]asic|[Bb]earer|BASIC|BEARER)\s+)${TOKEN}`, 'g'),
    `$1${HIDDEN}`,
  ],
  // https://…?token=VALUE&sig=VALUE#access_token=VALUE, forms, and variables; no image's name has an =
  [
    new RegExp(String.raw`(?<![\w./:@%~-])(${SECRET_KEY}=)(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s&;#"'<>]+)`, 'gi'),
    `$1${HIDDEN}`,
  ],
  // "key": "VALUE" as in JSON
  [new RegExp(String.raw`("${SECRET_KEY}"\s*:\s*)"(?:[^"\\]|\\.)*"`, 'gi'), `$1"${HIDDEN}"`],
];

const JSON_WEB_TOKEN = /\b(eyJ[\w-]{8,})\.[\w-]+\.[\w-]*/g;

/**
 * `text` as it may be shown or written: one line, no control characters, `***` for secrets that were read and for what
 * stands where credentials do. Words alone hide nothing: an image may be called `auth/passwd:1`. Control characters go
 * first, so that none can hide a secret; secrets that are known hold none.
 */
export function redact(text: string): string {
  let shown = maskKnownSecrets(flatten(text), HIDDEN);
  for (const [pattern, replacement] of PLACES) shown = shown.replace(pattern, replacement);
  return shown.replace(JSON_WEB_TOKEN, (token, header: string) => (isJson(header) ? HIDDEN : token));
}

/**
 * The same for what begins a line, where `::` begins a command to a runner of CI.
 *
 * @see https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs, `TryParseV2`
 */
export function redactLine(text: string): string {
  return redact(text).replace(/^(\s*):(?=:)/, '$1: ');
}

/** Whether it is the header of a token, base64url of JSON (RFC 7519, section 3), and no tag that only begins so. */
function isJson(header: string): boolean {
  try {
    JSON.parse(Buffer.from(header, 'base64url').toString('utf8'));
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
