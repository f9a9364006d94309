import { exactSize, quoted } from '../../../core/text.ts';
import { Failure, type FailureCode } from '../../../core/failure.ts';
import { basicPattern, secretPattern } from '../../../core/secrets.ts';
import type { SourceLimits } from '../source.ts';
import type { GitSettings } from './settings.ts';
import type { GitCommandError } from './command.ts';

interface Meaning {
  readonly pattern: RegExp;
  readonly code: FailureCode;
  readonly reason: string;
  readonly hint: string;
}

const CHECK_NETWORK = 'check network, firewall and proxy';
const CHECK_ADDRESS = 'correct the address; servers also answer so where credentials are missing';
const CHECK_CREDENTIALS = 'check username and password, or key, of this source, and what they may read';

/** Messages, in the C locale, that the remote side or the network causes. The first match counts. */
const MEANINGS: readonly Meaning[] = [
  {
    pattern: /Host key verification failed|HOST IDENTIFICATION HAS CHANGED/,
    code: 'source-untrusted',
    reason: "the server's host key is not the known one",
    hint: 'find out why it changed; if the new key is right, correct the file that known-hosts names or, without one, remove known_hosts in the folder of this source',
  },
  {
    pattern: /certificate|SSL_ERROR|TLS connection|SSL connection/i,
    code: 'source-untrusted',
    reason: "the server's certificate is not trusted, or there is no secure connection",
    hint: 'name a private authority with ca-certificates of this source',
  },
  {
    pattern: /Authentication failed|could not read Username|Permission denied|returned error: 40[13]/i,
    code: 'source-unauthorized',
    reason: 'the server wants credentials, or refused those that it got',
    hint: CHECK_CREDENTIALS,
  },
  {
    pattern: /dubious ownership/,
    code: 'source-unauthorized',
    reason: 'the repository on this machine belongs to another user',
    hint: 'let the user of unpackd own it, or serve it by HTTPS or SSH',
  },
  {
    pattern: /couldn't find remote ref/i,
    code: 'source-invalid',
    reason: 'the repository has no such branch',
    hint: 'correct branch, or push that branch',
  },
  {
    pattern:
      /repository not found|returned error: 4(?:04|10)|does not appear to be a git repository|access denied or repository not exported|repository '.*' not found|no such repository/i,
    code: 'source-invalid',
    reason: 'there is no such repository',
    hint: CHECK_ADDRESS,
  },
  {
    pattern: /unable to access|Could not resolve|Connection (?:refused|timed out|reset)|No route to host/i,
    code: 'source-unreachable',
    reason: 'there is no connection',
    hint: CHECK_NETWORK,
  },
];

/** The failure for an `error` that the clone did not cause; `undefined` where it may have. */
export function remoteFailure(
  error: GitCommandError,
  source: GitSettings,
  { timeLimitMs, sizeLimitBytes }: SourceLimits,
): Failure | undefined {
  if (error.isMissing) {
    const hint = 'install git';
    return sourceFailure(source, {
      code: 'source-unreachable',
      reason: 'there is no git on this machine, or no timeout or prlimit to start it with',
      hint,
    });
  }
  if (error.isTooLate) {
    const reason = `git did not end within ${timeLimitMs / 1000} s`;
    return sourceFailure(source, { code: 'source-unreachable', reason, hint: CHECK_NETWORK });
  }
  if (error.isTooLarge) {
    return sourceFailure(source, {
      code: 'source-invalid',
      reason: `git had to take more than ${exactSize(sizeLimitBytes)}, or more memory or messages than a wishlist is worth`,
      hint: 'keep wishlists in a small repository of their own, or raise source-size-limit',
    });
  }
  if (/No space left on device|Disk quota exceeded/.test(error.stderr)) {
    const hint = 'free space in the state directory';
    return sourceFailure(source, { code: 'disk-full', reason: 'no space is left for its clone', hint });
  }
  const lines = linesOf(error);
  for (const meaning of MEANINGS) {
    const line = lines.find((one) => meaning.pattern.test(one));
    if (line !== undefined) return sourceFailure(source, meaning, shown(line, source));
  }
  return undefined;
}

/** The failure for an `error` without a known meaning. */
export function unknownFailure(error: GitCommandError, source: GitSettings): Failure {
  const lines = linesOf(error);
  const line = lines.find((one) => /^(?:fatal|error|ssh|remote): /i.test(one)) ?? lines[0] ?? error.message;
  const reason = 'git failed';
  return sourceFailure(
    source,
    { code: 'source-unreachable', reason, hint: CHECK_NETWORK },
    shown(line, source),
  );
}

/** A failure that names the source. */
export function sourceFailure(
  { name }: Pick<GitSettings, 'name'>,
  { code, reason, hint }: Omit<Meaning, 'pattern'>,
  detail?: string,
): Failure {
  const said = detail === undefined ? '' : ` (${detail})`;
  return new Failure(code, `the source ${quoted(name)}: ${reason}${said}`, { hint });
}

function linesOf({ stderr }: GitCommandError): string[] {
  return stderr.split(/[\r\n]+/).filter((line) => /[A-Za-z]/.test(line));
}

/** A line of git's output without secrets: servers may repeat them. */
function shown(line: string, { login }: GitSettings): string {
  const plain = line.replaceAll(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/]*@/gi, '$1***@');
  const secrets =
    login === undefined
      ? []
      : [secretPattern(login.password), basicPattern(login.user ?? '', login.password)];
  return quoted(secrets.reduce(masked, plain));
}

function masked(text: string, secret: string | undefined): string {
  return secret === undefined ? text : text.replaceAll(new RegExp(secret, 'gu'), '***');
}
