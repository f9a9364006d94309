import { readFile } from 'node:fs/promises';
import type { Dispatcher } from 'undici';
import { codeOf } from '../../core/system-error.ts';
import { Failure, isFailure } from '../../core/failure.ts';
import { Dispatchers } from '../../core/http/dispatchers.ts';
import { ProxyError, readProxies } from '../../core/http/proxies.ts';
import { quoted } from '../../core/text.ts';
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

const REDIRECTIONS = 5;
const CHECK_NETWORK = 'check network, firewall and proxy; what was read before stays in force';

/**
 * Reads the recipe of `source`, unless the server says that it is still the one in `known`.
 *
 * @see RFC 9110, sections 13 (conditional requests) and 15.4 (redirection)
 * @throws Failure `source-unreachable`, `source-untrusted`, `source-unauthorized`, `source-invalid`,
 *   `recipe-unreadable`; the reason of the signal
 */
export async function fetchUrl(
  source: UrlSettings,
  known: Fetched<RecipeFiles> | undefined,
  limits: SourceLimits,
): Promise<Fetched<RecipeFiles>> {
  const dispatchers = await openDispatchers(source, limits);
  const late = AbortSignal.timeout(limits.timeLimitMs);
  const signal = AbortSignal.any([late, ...(limits.signal === undefined ? [] : [limits.signal])]);
  try {
    const { statusCode, headers, body } = await ask(source, known?.validators, { dispatchers, signal });
    if (statusCode === 304 && known !== undefined) return known;
    if (statusCode !== 200) throw refusal(source, statusCode);
    const text = decodeText(await readBody(body, source), labelOf(source));
    const etag = single(headers['etag']);
    const lastModified = single(headers['last-modified']);
    return {
      content: { files: [{ label: labelOf(source), text }] },
      validators: { etag, lastModified },
    };
  } catch (error) {
    limits.signal?.throwIfAborted();
    throw late.aborted
      ? failure(source, 'source-unreachable', {
          reason: `the answer was not complete within ${limits.timeLimitMs / 1000} s`,
          hint: CHECK_NETWORK,
        })
      : networkFailure(error, source);
  } finally {
    await dispatchers.destroy();
  }
}

async function openDispatchers(
  source: UrlSettings,
  { environment, timeLimitMs }: SourceLimits,
): Promise<Dispatchers> {
  const soleAuthorities = await readAuthorities(source);
  return new Dispatchers({
    connectTimeoutMs: timeLimitMs,
    materialOf: () => ({ soleAuthorities }),
    systemAuthorities: undefined,
    proxies: readProxies(environment),
  });
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

interface Connection {
  readonly dispatchers: Dispatchers;
  readonly signal: AbortSignal;
}

/** Follows redirects: never from HTTPS to plain HTTP, and to another server without credentials. */
async function ask(
  source: UrlSettings,
  validators: Validators | undefined,
  { dispatchers, signal }: Connection,
): Promise<Dispatcher.ResponseData> {
  const first = new URL(source.url);
  let url = first;
  for (let step = 0; step <= REDIRECTIONS; step += 1) {
    const dispatch = dispatchers.dispatchFor(url);
    const answer = await dispatch.dispatcher.request({
      origin: dispatch.origin,
      path: dispatch.target,
      method: 'GET',
      signal,
      headers: {
        ...dispatch.headers,
        accept: 'application/yaml, text/plain, */*',
        'user-agent': 'unpackd',
        ...(url.origin === first.origin && authorization(source)),
        ...(validators?.etag !== undefined && { 'if-none-match': validators.etag }),
        ...(validators?.lastModified !== undefined && { 'if-modified-since': validators.lastModified }),
      },
    });
    if (dispatch.proxyHost !== undefined && answer.statusCode === 407)
      throw new ProxyError(dispatch.proxyHost, { status: 407 });
    const location = single(answer.headers['location']);
    if (![301, 302, 303, 307, 308].includes(answer.statusCode) || location === undefined) return answer;
    await answer.body.dump();
    url = nextUrl(source, url, location);
  }
  throw failure(source, 'source-invalid', {
    reason: `the server redirects more than ${REDIRECTIONS} times`,
    hint: 'correct the address',
  });
}

function nextUrl(source: UrlSettings, from: URL, location: string): URL {
  const next = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  const isAllowed = next?.protocol === 'https:' || (next?.protocol === 'http:' && from.protocol === 'http:');
  if (next !== undefined && isAllowed && next.username === '' && next.password === '') return next;
  throw failure(source, 'source-invalid', {
    reason: 'the server redirects to an address that is not used, such as from HTTPS to plain HTTP',
    hint: 'correct the address',
  });
}

/** RFC 7617 and RFC 6750. */
function authorization({ login }: UrlSettings): { authorization?: string } {
  if (login === undefined) return {};
  const { user, password } = login;
  if (user === undefined) return { authorization: `Bearer ${password}` };
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}` };
}

async function readBody(body: AsyncIterable<Buffer>, source: UrlSettings): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAXIMUM_BYTES) {
      throw failure(source, 'source-invalid', {
        reason: 'what the server sends is larger than 4 MiB',
        hint: 'correct the address',
      });
    }
  }
  return Buffer.concat(chunks);
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
    hint: 'try again later; what was read before stays in force',
  });
}

const UNTRUSTED = /^(?:CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH)/;

/** The code alone is shown: the error's own text may hold the address, with what its query says. */
function networkFailure(error: unknown, source: UrlSettings): unknown {
  if (isFailure(error, 'tls-failed'))
    return failure(source, 'source-untrusted', {
      reason: `the authorities in ${quoted(source.authorities ?? '')} cannot be read`,
      hint: 'they must be PEM: correct ca-certificates of this source',
    });
  if (error instanceof ProxyError) return proxyFailure(error, source);
  const code = codeOf(error);
  if (error instanceof Failure || code === undefined) return error;
  if (UNTRUSTED.test(code)) {
    return failure(source, 'source-untrusted', {
      reason: `the server's certificate is not trusted, or there is no secure connection (${code})`,
      hint: 'name a private authority with ca-certificates of this source',
    });
  }
  return failure(source, 'source-unreachable', {
    reason: `there is no connection, or one that breaks off (${code})`,
    hint: CHECK_NETWORK,
  });
}

function proxyFailure({ host, status, cause }: ProxyError, source: UrlSettings): Failure {
  const what =
    status === undefined ? `cannot be reached (${codeOf(cause) ?? 'no answer'})` : `answers ${status}`;
  return failure(source, 'source-unreachable', {
    reason: `the proxy ${host} ${what}`,
    hint: 'check HTTPS_PROXY or HTTP_PROXY; NO_PROXY names what is reached without a proxy',
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

function single(field: string | string[] | undefined): string | undefined {
  return typeof field === 'string' ? field : field?.[0];
}
