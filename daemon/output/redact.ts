import { flatten } from './flatten.ts';
import { maskKnownSecrets } from './known-secrets.ts';

const HIDDEN = '***';

/** Key names whose values are secrets, as they end: `DUCC_A_PASS`, `access_token`, `X-Amz-Signature`. */
const SECRET_KEY =
  '(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[-_]?key|secret[-_]?key|credentials?|signature|sig|auth)';
const VALUE = String.raw`(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s&,;"'})\]]+)`;

/** What is hidden, and what is put instead. */
const SECRETS: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  // https://USER:PASSWORD@host, with an @ in the password too; what took it for a path has left one slash
  [/\b([a-z][a-z0-9+.-]{0,20}:\/{1,2})[^\s/?#"']*@/gi, `$1${HIDDEN}@`],
  // Authorization: SCHEME TOKEN
  [/\b((?:proxy-)?authorization["']?\s*[:=]\s*["']?)(?:(basic|bearer)\s+)?[^\s"',;]+/gi, `$1$2 ${HIDDEN}`],
  // Bearer TOKEN in any other place, but not the challenge of a registry, nor the words of a sentence
  [
    /\b(bearer|basic)\s+(?!(?:realm|service|scope|error|charset)=|(?:auth(?:entication|orization)?|tokens?|challenges?|credentials?|realm|scheme|access)\b(?![._~+/=-]))[\w.~+/=-]+/gi,
    `$1 ${HIDDEN}`,
  ],
  // a JSON web token
  [/\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*/g, HIDDEN],
  // key=VALUE, and "key": VALUE as in JSON
  [new RegExp(String.raw`(${SECRET_KEY}["']?=)${VALUE}`, 'gi'), `$1${HIDDEN}`],
  [new RegExp(String.raw`(${SECRET_KEY}["']\s*:\s*)${VALUE}`, 'gi'), `$1${HIDDEN}`],
  // password: VALUE; "token: expired" stays readable, and what messages of ours say of the key itself
  [
    new RegExp(
      String.raw`(pass(?:word|wd|phrase)\s*:\s*)(?!the (?:file|text|environment) |what stands there |username is missing)${VALUE}`,
      'gi',
    ),
    `$1${HIDDEN}`,
  ],
];

/**
 * `text` as it may be shown or written: one line, no control characters, `***` for what is or may be a secret. In doubt
 * it is one. Control characters go first, so that none can hide a secret; secrets that are known hold none.
 */
export function redact(text: string): string {
  let shown = maskKnownSecrets(flatten(text), HIDDEN);
  for (const [pattern, replacement] of SECRETS) shown = shown.replace(pattern, replacement);
  return shown;
}
