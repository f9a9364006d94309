import { errors } from 'undici';
import { codeOf } from '../../wishlist/error-code.ts';

/** Why a connection came to nothing, for messages and for the decision to try again. */
export interface NetworkError {
  /** Such as `connection refused`. */
  readonly reason: string;
  readonly hint: string;
  /** How often to try at most, the first time included: what will not change soon is not worth waiting for. */
  readonly maximumTries: number;
  /** Whether the server was there but its answer broke off or was no HTTP. */
  readonly isBrokenAnswer: boolean;
  /** Whether an answer had begun and no more bytes came. */
  readonly isStall: boolean;
}

const CHECK_NETWORK = 'check that the registry is up, and the network and firewall in between';
const CHECK_NAME = "check the registry's name, and the name servers of this machine";
const CHECK_CERTIFICATE =
  'check the certificate of the registry (NODE_EXTRA_CA_CERTS names further authorities), or write http:// where it speaks plain HTTP';
const TRY_LATER = 'try again later; a proxy in between may cut connections';

const DEAD_TRIES = 2;

const KNOWN: ReadonlyMap<string, NetworkError> = new Map([
  ['ENOTFOUND', dead('its host name is unknown', CHECK_NAME)],
  ['EAI_AGAIN', dead('its host name cannot be looked up now', CHECK_NAME)],
  ['EAI_FAIL', dead('its host name cannot be looked up', CHECK_NAME)],
  ['EAI_NODATA', dead('its host name has no address', CHECK_NAME)],
  ['ECONNREFUSED', dead('connection refused', CHECK_NETWORK)],
  ['EHOSTUNREACH', dead('no route to its host', CHECK_NETWORK)],
  ['EHOSTDOWN', dead('its host is down', CHECK_NETWORK)],
  ['ENETUNREACH', dead('its network cannot be reached', CHECK_NETWORK)],
  ['ENETDOWN', dead('the network is down', CHECK_NETWORK)],
  ['EADDRNOTAVAIL', dead('no address to connect from', CHECK_NETWORK)],
  ['ETIMEDOUT', dead('no connection within the time limit', CHECK_NETWORK)],
  ['UND_ERR_CONNECT_TIMEOUT', dead('no connection within the time limit', CHECK_NETWORK)],
  ['UND_ERR_HEADERS_TIMEOUT', passing('no answer within the time limit', CHECK_NETWORK)],
  [
    'UND_ERR_BODY_TIMEOUT',
    { ...passing('its answer stood still for too long', CHECK_NETWORK), isStall: true },
  ],
  ['ECONNRESET', passing('connection reset', TRY_LATER)],
  ['ECONNABORTED', passing('connection aborted', TRY_LATER)],
  ['EPIPE', passing('connection closed', TRY_LATER)],
  ['UND_ERR_SOCKET', passing('connection closed', TRY_LATER)],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', broken('its answer does not have the announced length')],
  ['UND_ERR_HEADERS_OVERFLOW', broken('its answer has too long headers')],
]);

/**
 * What an error of undici or of the system's network functions means; `undefined` for any other error, which is then
 * a programmer's mistake.
 */
export function classifyNetworkError(error: unknown): NetworkError | undefined {
  if (error instanceof errors.HTTPParserError) return broken('its answer is no HTTP');
  const code = codeOf(error);
  if (code === undefined) return undefined;
  const known = KNOWN.get(code);
  if (known !== undefined) return known;
  return isTlsCode(code) ? untrusted(code) : undefined;
}

function dead(reason: string, hint: string): NetworkError {
  return { reason, hint, maximumTries: DEAD_TRIES, isBrokenAnswer: false, isStall: false };
}

function passing(reason: string, hint: string): NetworkError {
  return { reason, hint, maximumTries: Infinity, isBrokenAnswer: false, isStall: false };
}

function broken(reason: string): NetworkError {
  return {
    reason,
    hint: 'ask whoever runs the registry',
    maximumTries: Infinity,
    isBrokenAnswer: true,
    isStall: false,
  };
}

function untrusted(code: string): NetworkError {
  return {
    reason: `no secure connection (${code})`,
    hint: CHECK_CERTIFICATE,
    maximumTries: 1,
    isBrokenAnswer: false,
    isStall: false,
  };
}

/** Codes of OpenSSL: its certificate checks have no common prefix. */
function isTlsCode(code: string): boolean {
  return (
    /^(?:ERR_SSL_|ERR_TLS_|CERT_|CRL_)/.test(code) ||
    /_CERT(?:_|$)|_SIGNATURE$|_CRL(?:_|$)/.test(code) ||
    /^(?:EPROTO|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH)$/.test(code)
  );
}
