import { errors } from 'undici';
import { Failure } from '../failure.ts';
import type { Drip, TimeLimit } from './time-limit.ts';
import { ProxyError } from './proxies.ts';
import { Retryable } from './retry.ts';
import { interruption } from '../interruption.ts';
import { codeOf } from '../system-error.ts';
import type { NetworkError, Subject } from './fault.ts';

/** A request that got no whole answer. */
export class NetworkFailure extends Retryable {
  readonly origin: string;
  readonly error: NetworkError;

  constructor(subject: Subject, url: URL, error: NetworkError, cause?: unknown) {
    super(subject.toFailure({ kind: 'network', error, url, cause }), { maximumTries: error.maximumTries });
    this.origin = url.origin;
    this.error = error;
  }
}

/** The parts of an exchange by which our side can end it. */
interface Ending {
  readonly url: URL;
  readonly subject: Subject;
  readonly signal: AbortSignal;
  readonly timeLimit: TimeLimit;
}

/** `error` of undici for the request to `url` as a {@link NetworkFailure}; any other error as it is. */
export function asNetworkFailure(error: unknown, subject: Subject, url: URL): unknown {
  const known = classifyNetworkError(error);
  return known === undefined ? error : new NetworkFailure(subject, url, known, error);
}

/**
 * `error` of undici while the body of an answer came, like {@link asNetworkFailure}. A server that closes the
 * connection in the middle has been reached: only standing still counts as unreachable.
 */
export function asBrokenBody(error: unknown, subject: Subject, url: URL): unknown {
  const known = classifyNetworkError(error);
  if (known === undefined) return error;
  if (known.isStall) return new NetworkFailure(subject, url, known, error);
  const reason = `its answer broke off (${known.reason})`;
  const broken = { ...known, reason, code: 'registry-error' } as const;
  return new NetworkFailure(subject, url, broken, error);
}

/** Returns the failure of an exchange whose time is over or which was stopped; `undefined` where neither is so. */
export function endOf({ subject, url, signal, timeLimit }: Ending): Failure | NetworkFailure | undefined {
  if (signal.aborted) return interruption(signal);
  if (!timeLimit.isOver) return undefined;
  const { whole } = timeLimit;
  const error = whole?.isOver === true ? tooSlowAltogether(whole.limitMs) : tooSlow(timeLimit.limitMs);
  return new NetworkFailure(subject, url, error);
}

/** In a few words why an exchange ended, for the log of requests. */
export function reasonOf(end: unknown): string {
  if (end instanceof NetworkFailure) return end.error.reason;
  return end instanceof Failure ? end.code : 'given up before its end';
}

const CHECK_NETWORK = 'check that the registry is up, and the network and firewall in between';
const CHECK_NAME = "check the registry's name, and the name servers of this machine";
const CHECK_CERTIFICATE =
  'check the certificate of the registry (ca-certificates in the configuration names further authorities), or write http:// where it speaks plain HTTP';
const TRY_LATER = 'try again later; a proxy in between may cut connections';
const CHECK_PROXY = 'check HTTPS_PROXY or HTTP_PROXY; NO_PROXY names what is reached without a proxy';
const CHECK_PROXY_USER = 'write the right user and password into HTTPS_PROXY or HTTP_PROXY';
const CHECK_BOTH = 'check that the registry is up, and the proxy in between';
const ASK_PROXY = 'ask whoever runs the proxy; NO_PROXY names what is reached without one';

const PUBLISH_ELSEWHERE = 'name a registry on the Internet; whoever trusts the wishes leaves out public-only';

const DEAD_TRIES = 2;

const DEAD: NetworkError = {
  code: 'registry-unreachable',
  reason: '',
  hint: CHECK_NETWORK,
  maximumTries: DEAD_TRIES,
  isStall: false,
};
const UNNAMED: NetworkError = { ...DEAD, code: 'dns-failed', hint: CHECK_NAME };
const REFUSED: NetworkError = { ...DEAD, code: 'address-refused', hint: PUBLISH_ELSEWHERE, maximumTries: 1 };
const LATE: NetworkError = { ...DEAD, code: 'registry-timeout', maximumTries: Infinity };
const CUT: NetworkError = { ...DEAD, hint: TRY_LATER, maximumTries: Infinity };
const BROKEN: NetworkError = { ...CUT, code: 'registry-error', hint: 'ask whoever runs the registry' };
const UNTRUSTED: NetworkError = { ...DEAD, code: 'tls-failed', hint: CHECK_CERTIFICATE, maximumTries: 1 };

const KNOWN: ReadonlyMap<string, NetworkError> = new Map([
  ['ENOTFOUND', { ...UNNAMED, reason: 'its host name is unknown' }],
  ['EAI_AGAIN', { ...UNNAMED, reason: 'its host name cannot be looked up now' }],
  ['EAI_FAIL', { ...UNNAMED, reason: 'its host name cannot be looked up' }],
  ['EAI_NODATA', { ...UNNAMED, reason: 'its host name has no address' }],
  ['ERR_ADDRESS_REFUSED', { ...REFUSED, reason: 'it has no public address' }],
  ['ECONNREFUSED', { ...DEAD, reason: 'connection refused' }],
  ['EHOSTUNREACH', { ...DEAD, reason: 'no route to its host' }],
  ['EHOSTDOWN', { ...DEAD, reason: 'its host is down' }],
  ['ENETUNREACH', { ...DEAD, reason: 'its network cannot be reached' }],
  ['ENETDOWN', { ...DEAD, reason: 'the network is down' }],
  ['EACCES', { ...DEAD, reason: 'this machine does not allow the connection' }],
  ['EPERM', { ...DEAD, reason: 'this machine does not allow the connection' }],
  ['EAFNOSUPPORT', { ...DEAD, reason: 'this machine does not know addresses of its kind' }],
  ['EADDRNOTAVAIL', { ...DEAD, reason: 'no address to connect from' }],
  ['ETIMEDOUT', { ...LATE, reason: 'no connection within the time limit', maximumTries: DEAD_TRIES }],
  [
    'UND_ERR_CONNECT_TIMEOUT',
    { ...LATE, reason: 'no connection within the time limit', maximumTries: DEAD_TRIES },
  ],
  ['UND_ERR_HEADERS_TIMEOUT', { ...LATE, reason: 'no answer within the time limit' }],
  ['UND_ERR_BODY_TIMEOUT', { ...LATE, reason: 'its answer stood still for too long', isStall: true }],
  ['ECONNRESET', { ...CUT, reason: 'connection reset' }],
  ['ECONNABORTED', { ...CUT, reason: 'connection aborted' }],
  ['EPIPE', { ...CUT, reason: 'connection closed' }],
  ['UND_ERR_SOCKET', { ...CUT, reason: 'connection closed' }],
  [
    'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
    { ...BROKEN, reason: 'its answer does not have the announced length' },
  ],
  ['UND_ERR_HEADERS_OVERFLOW', { ...BROKEN, reason: 'its answer has too long headers' }],
]);

/** A document that is not complete within the time limit of its request. */
function tooSlow(limitMs: number): NetworkError {
  return { ...LATE, reason: `its answer was not complete within ${limitMs / 1000} s`, isStall: true };
}

/** Several requests took longer than they may together: there is no time for another try. */
function tooSlowAltogether(limitMs: number): NetworkError {
  const reason = `not all of it came within ${limitMs / 1000} s`;
  return { ...LATE, reason, isStall: true, maximumTries: 1 };
}

/** A body that comes, but so slowly that it would hold a connection for ever. */
export function dripping({ bytes, waitedMs }: Drip): NetworkError {
  const reason = `response too slow: ${bytes} bytes in ${(waitedMs / 1000).toFixed(1)} s`;
  return { ...LATE, reason, isStall: true };
}

/** The registry itself may be well: messages name the proxy. */
function classifyProxyError({ host, status, cause }: ProxyError): NetworkError | undefined {
  if (status === undefined) {
    const known = classifyNetworkError(cause);
    if (known === undefined) return undefined;
    const reason = `the proxy ${host} is in the way (${known.reason})`;
    const maximumTries = Math.min(known.maximumTries, DEAD_TRIES);
    return { ...DEAD, reason, hint: CHECK_PROXY, maximumTries };
  }
  const refused = { ...DEAD, reason: `the proxy ${host} answered ${status}`, maximumTries: 1 };
  if (status === 407) return { ...refused, hint: CHECK_PROXY_USER };
  return status < 500
    ? { ...refused, hint: ASK_PROXY }
    : { ...refused, hint: CHECK_BOTH, maximumTries: DEAD_TRIES };
}

/**
 * What an error of undici or of the system's network functions means; `undefined` for any other error, which is then
 * a programmer's mistake.
 *
 * @internal
 */
export function classifyNetworkError(error: unknown): NetworkError | undefined {
  if (error instanceof errors.HTTPParserError) return { ...BROKEN, reason: 'its response is not valid HTTP' };
  if (error instanceof ProxyError) return classifyProxyError(error);
  const code = codeOf(error);
  if (code === undefined) return undefined;
  const known = KNOWN.get(code);
  if (known !== undefined) return known;
  return isTlsCode(code) ? { ...UNTRUSTED, reason: `no secure connection (${code})` } : undefined;
}

/** Codes of OpenSSL: its certificate checks have no common prefix. */
function isTlsCode(code: string): boolean {
  return (
    /^(?:ERR_SSL_|ERR_TLS_|CERT_|CRL_|UNABLE_TO_)/.test(code) ||
    /_CERT(?:_|$)|_SIGNATURE$|_CRL(?:_|$)/.test(code) ||
    /^(?:EPROTO|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH)$/.test(code)
  );
}
