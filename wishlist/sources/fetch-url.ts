import { readFile } from 'node:fs/promises';
import { codeOf } from '../../core/system-error.ts';
import { Failure, isFailure } from '../../core/failure.ts';
import type { HttpFault, NetworkError } from '../../core/http/fault.ts';
import { readProxies } from '../../core/http/proxies.ts';
import { Transport, type Authorization, type TransportRequest } from '../../core/http/transport.ts';
import { exactSize, quoted } from '../../core/text.ts';
import { decodeText, MAXIMUM_BYTES } from '../recipe/text-file.ts';
import {
  RECIPE_FILES,
  type Fetched,
  type RecipeFiles,
  type SourceLimits,
  type Validators,
  type WishlistSource,
} from './source.ts';

/** A recipe on a web server. */
export interface UrlSettings {
  readonly name: string;
  /** `https:` or `http:`, without credentials. */
  readonly url: string;
  /** Basic, or without a user a bearer token. */
  readonly login: { readonly user: string | undefined; readonly password: string } | undefined;
  /** Path of a PEM file with the authorities that HTTPS servers need, in place of the system's. */
  readonly authorities: string | undefined;
}

export function urlSource(settings: UrlSettings): WishlistSource<RecipeFiles> {
  const { name, url } = settings;
  return {
    name,
    identity: ['url', url],
    ...RECIPE_FILES,
    fetch: async (known, request) => await fetchUrl(settings, known, request),
  };
}

const CHECK_NETWORK = 'check network, firewall and proxy';
const TRY_LATER = 'try again later';
const ACCEPT = 'application/yaml, text/plain, */*';

/**
 * Reads the recipe of `source`, unless the server says that it is still the one in `known`.
 *
 * @see RFC 9110, section 13 (conditional requests)
 * @throws Failure `source-unreachable`, `source-untrusted`, `source-unauthorized`, `source-invalid`,
 *   `recipe-unreadable`; the reason of the signal
 */
async function fetchUrl(
  source: UrlSettings,
  known: Fetched<RecipeFiles> | undefined,
  limits: SourceLimits,
): Promise<Fetched<RecipeFiles>> {
  const transport = await openTransport(source, limits);
  try {
    const limit = { bytes: MAXIMUM_BYTES, code: 'source-invalid' } as const;
    const request = requestFor(source, known?.validators, limits.signal);
    return await transport.read(request, limit, ({ status, header, bytes }) => {
      if (status === 304 && known !== undefined) return known;
      return {
        content: { files: [{ label: labelOf(source), text: decodeText(bytes, labelOf(source)) }] },
        validators: { etag: header('etag'), lastModified: header('last-modified') },
      };
    });
  } catch (error) {
    limits.signal?.throwIfAborted();
    throw unforeseen(error, source);
  } finally {
    await transport.close();
  }
}

async function openTransport(
  source: UrlSettings,
  { environment, timeLimitMs }: SourceLimits,
): Promise<Transport> {
  const soleAuthorities = await readAuthorities(source);
  return new Transport({
    connectTimeoutMs: timeLimitMs,
    headersTimeoutMs: timeLimitMs,
    bodyTimeoutMs: timeLimitMs,
    requestTimeoutMs: timeLimitMs,
    tokenTimeoutMs: timeLimitMs,
    minimumRateBytesPerSecond: 0,
    // The source is asked again in its own time.
    tries: 1,
    retryDelayMs: 0,
    outageMemoryMs: 0,
    rateLimitMemoryMs: 0,
    concurrency: 1,
    signal: undefined,
    servers: () => ({ soleAuthorities }),
    systemAuthorities: undefined,
    proxies: readProxies(environment),
    isAllowed: () => true,
    onRequest: undefined,
  });
}

function requestFor(
  source: UrlSettings,
  { etag, lastModified }: Validators = {},
  signal: AbortSignal | undefined,
): TransportRequest {
  const field = authorizationOf(source);
  return {
    url: new URL(source.url),
    subject: { toFailure: (fault) => toFailure(fault, source) },
    accepts: etag === undefined && lastModified === undefined ? [] : [304],
    signal,
    headers: {
      accept: ACCEPT,
      ...(etag !== undefined && { 'if-none-match': etag }),
      ...(lastModified !== undefined && { 'if-modified-since': lastModified }),
    },
    ...(field !== undefined && { authorization: fixedAuthorization(field) }),
  };
}

async function readAuthorities(source: UrlSettings): Promise<string | undefined> {
  const { authorities } = source;
  if (authorities === undefined) return undefined;
  try {
    return await readFile(authorities, 'utf8');
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    throw failure(source, 'source-untrusted', {
      reason: `the file ${quoted(authorities)} with its authorities cannot be read (${code})`,
      hint: 'correct ca-certificates of this source',
    });
  }
}

/** RFC 7617 and RFC 6750. */
function authorizationOf({ login }: UrlSettings): string | undefined {
  if (login === undefined) return undefined;
  const { user, password } = login;
  if (user === undefined) return `Bearer ${password}`;
  return `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`;
}

function fixedAuthorization(field: string): Authorization {
  return {
    current: () => field,
    origin: () => undefined,
    renew: async () => await Promise.resolve(undefined),
    renewedInVain: () => undefined,
  };
}

function toFailure(fault: HttpFault, source: UrlSettings): Failure {
  switch (fault.kind) {
    case 'network':
      return networkFailure(fault.error, source);
    case 'response':
      return refusal(source, fault.response.status);
    case 'redirect':
      return failure(source, 'source-invalid', {
        reason: `the server ${fault.reason}`,
        hint: 'correct the address',
      });
    case 'too-large':
      return failure(source, fault.limit.code, {
        reason: `what the server sends is larger than ${exactSize(fault.limit.bytes)}`,
        hint: 'correct the address',
      });
    case 'paused':
      return failure(source, 'source-unreachable', {
        reason: `the server ${fault.reason}`,
        hint: TRY_LATER,
      });
  }
}

function networkFailure({ code, reason, hint }: NetworkError, source: UrlSettings): Failure {
  if (code === 'tls-failed')
    return failure(source, 'source-untrusted', {
      reason,
      hint: 'name a private authority with ca-certificates of this source',
    });
  const isProxy = reason.startsWith('the proxy ');
  return failure(source, 'source-unreachable', {
    reason: `there is no whole answer: ${reason}`,
    hint: isProxy ? hint : CHECK_NETWORK,
  });
}

function refusal(source: UrlSettings, status: number): Failure {
  const reason = `the server answers with status ${status}`;
  if (status === 401 || status === 403) {
    const hint = 'check username and password of this source, and what they may read';
    return failure(source, 'source-unauthorized', { reason, hint });
  }
  if (status >= 400 && status < 500 && status !== 408 && status !== 429) {
    return failure(source, 'source-invalid', { reason, hint: 'correct the address' });
  }
  return failure(source, 'source-unreachable', {
    reason,
    hint: TRY_LATER,
  });
}

/** Failures that HTTP does not leave to its subject. The error's own text may hold the address, with its query. */
function unforeseen(error: unknown, source: UrlSettings): unknown {
  if (isFailure(error, 'tls-failed'))
    return failure(source, 'source-untrusted', {
      reason: `the authorities in ${quoted(source.authorities ?? '')} cannot be read`,
      hint: 'they must be PEM: correct ca-certificates of this source',
    });
  const code = codeOf(error);
  if (error instanceof Failure || code === undefined) return error;
  return failure(source, 'source-unreachable', {
    reason: `there is no connection, or one that breaks off (${code})`,
    hint: CHECK_NETWORK,
  });
}

function failure(
  { name }: UrlSettings,
  code: Failure['code'],
  { reason, hint }: { readonly reason: string; readonly hint: string },
): Failure {
  return new Failure(code, `the source ${quoted(name)}: ${reason}`, { hint });
}

/** A query may hold a token. */
function labelOf({ url }: UrlSettings): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}
