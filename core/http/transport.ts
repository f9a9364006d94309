import { isFailure, type Failure } from '../failure.ts';
import { headOf, headerOf, readBody, readErrorBody } from './response.ts';
import type { HttpResponse, Head } from './response.ts';
import { Connections, type Exchange, type Method } from './connections.ts';
import { anySignal, interruption } from '../interruption.ts';
import { dripping, NetworkFailure, asBrokenBody, endOf } from './network-failure.ts';
import type { HttpOptions } from './options.ts';
import { ThroughputFloor, TimeLimit } from './time-limit.ts';
import { followRedirects } from './redirects.ts';
import { Retryable, withRetries, isRetryable, parseRetryAfter, MAXIMUM_WAIT_MS } from './retry.ts';
import type { ErrorResponse, SizeLimit, Subject } from './fault.ts';

export type { Head } from './response.ts';

/** A request with its redirects, authentication and further tries. */
export interface TransportRequest {
  /** `GET` where it is left out. */
  readonly method?: Method;
  readonly url: URL;
  readonly subject: Subject;
  /** The body of a POST, as `application/x-www-form-urlencoded`. A redirect of it is refused. */
  readonly form?: string;
  /** Statuses beside 200 and 206 that are an answer, such as 304; `refusals` for all that a further try does not change. */
  readonly accepts?: readonly number[] | 'refusals';
  readonly headers?: Readonly<Record<string, string>>;
  readonly authorization?: Authorization;
  /** The time of all that it is a part of. */
  readonly whole?: TimeLimit | undefined;
  /** Fewer tries than the client's own. */
  readonly tries?: number;
  /** Beside the client's own. */
  readonly signal?: AbortSignal | undefined;
}

/** Authentication of a request. */
export interface Authorization {
  /** The `Authorization` field for the origin of the request's URL, and for no other. */
  current(): string | undefined;
  /** Origin of the credentials in that field, for messages; `undefined` for anonymous access. */
  origin(): string | undefined;
  /**
   * Called after an answer that may mean: not with these credentials.
   *
   * @returns another field, with which it is worth asking again, or `undefined`
   */
  renew(refused: Refused): Promise<string | undefined>;
  /** Called where `field`, which {@link renew} has just given, was of no more use and the server does not say why. */
  renewedInVain(field: string): void;
}

/** A request that was refused. */
export interface Refused {
  /** The field `WWW-Authenticate` of the answer. */
  readonly challenges: string | undefined;
  /** The field `Authorization` of the request. */
  readonly field: string | undefined;
}

/** A body that was read to its end; it is empty where the status has none, such as 304. */
export interface Document extends Head {
  readonly bytes: Buffer;
}

/** A body that comes in pieces. Must be iterated or discarded, since it holds a connection. */
export interface Stream extends Head {
  /** Leaving the loop ends the request. */
  readonly body: AsyncIterable<Uint8Array>;
  readonly discard: () => void;
}

/** An answer to a HEAD has no body, whatever its headers say. */
const NO_BODY: SizeLimit = { bytes: 0, code: 'registry-error' };

/**
 * HTTP to registries, token services, the storage behind them, and web servers with recipes. The only place that tries a request again: after
 * broken connections, time limits, 408, 425, 429, 5xx, and documents with a wrong digest.
 */
export class Transport {
  readonly #options: HttpOptions;
  readonly #connections: Connections;
  readonly #closing = new AbortController();

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#connections = new Connections(options);
  }

  /** Ends all connections; requests still under way fail with `interrupted`. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#connections.close();
  }

  /**
   * Reads a whole document and answers what `check` makes of it. A `digest-mismatch` that `check` throws is tried
   * again, like a broken connection.
   *
   * @throws Failure of the network, of the status, of `limit`, or of `check`
   */
  async read<T>(request: TransportRequest, limit: SizeLimit, check: (document: Document) => T): Promise<T> {
    return await this.#try(request, async (answer, exchange) => {
      const bytes = await readWhole(answer, limit, exchange);
      return checked(() => check({ ...headOf(answer), bytes }));
    });
  }

  /**
   * Asks with a HEAD, whatever the request's own method. The connection is free again afterwards.
   *
   * @throws Failure of the network or of the status
   */
  async head(request: TransportRequest): Promise<Head> {
    return await this.#try({ ...request, method: 'HEAD' }, async (answer, exchange) => {
      await readWhole(answer, NO_BODY, exchange);
      return headOf(answer);
    });
  }

  /**
   * Starts a body of any size. The requests for it are tried again, the body is not: where it breaks off or stands
   * still or is too slow, iterating throws `registry-error` or `registry-timeout`.
   *
   * @throws Failure of the network or of the status
   */
  async open(request: TransportRequest): Promise<Stream> {
    return await this.#try(request, (answer, exchange) => {
      exchange.timeLimit.pause();
      return {
        ...headOf(answer),
        body: chunksOf(answer, exchange, this.#options),
        discard: () => answer.body.destroy(),
      };
    });
  }

  /**
   * How a server wants those who ask without credentials to authenticate: its field `WWW-Authenticate`.
   *
   * @throws Failure of the network
   */
  async challenges(request: TransportRequest): Promise<string | undefined> {
    return await this.#try({ ...request, accepts: 'refusals' }, async (answer) => {
      await readErrorBody(answer);
      return isFrom(answer, request.url) && answer.status === 401 ? challengesOf(answer) : undefined;
    });
  }

  async #try<T>(
    request: TransportRequest,
    receive: (answer: HttpResponse, exchange: Exchange) => T | Promise<T>,
  ): Promise<T> {
    const signal = anySignal(this.#closing.signal, this.#options.signal, request.signal);
    const beganMs = performance.now();
    const { subject } = request;
    // Others wait for a token, whose time is not counted as theirs.
    const whole = subject.purpose === 'token' ? new TimeLimit(this.#options.tokenTimeoutMs) : request.whole;
    let tryNumber = 0;
    const policy = {
      ...this.#options,
      tries: Math.min(this.#options.tries, request.tries ?? Infinity),
      signal,
      onGiveUp: (last: Retryable) => {
        if (last instanceof NetworkFailure) this.#connections.gaveUp(last, beganMs);
      },
    };
    return await withRetries(policy, async () => {
      tryNumber += 1;
      const timeLimit = new TimeLimit(this.#options.requestTimeoutMs, whole);
      const exchange = { ...exchangeOf(request, signal), timeLimit, tryNumber };
      const answer = await this.#authenticated(exchange, request);
      if (!isWanted(answer, request)) throw await errorOf(answer, request);
      return await receive(answer, exchange);
    });
  }

  /** A refusal is answered once with a new field; one that comes from where a redirect led is not ours to answer. */
  async #authenticated(exchange: Exchange, request: TransportRequest): Promise<HttpResponse> {
    const { authorization } = request;
    const field = authorization?.current();
    const answer = await followRedirects(this.#connections, exchange, field);
    if (authorization === undefined || !isUnauthorized(answer, exchange.url, field)) return answer;
    // The connection is free before the token service, which may be the same host, is asked.
    const error = await errorOf(answer, request);
    const renewed = await authorization.renew({ challenges: challengesOf(answer), field });
    if (renewed === undefined) {
      if (isWanted(answer, request)) return answer;
      throw error;
    }
    const second = await followRedirects(this.#connections, exchange, renewed);
    const isInVain = isUnauthorized(second, exchange.url, renewed) && challengesOf(second) === undefined;
    if (isInVain) authorization.renewedInVain(renewed);
    return second;
  }
}

function exchangeOf(
  request: TransportRequest,
  signal: AbortSignal,
): Omit<Exchange, 'timeLimit' | 'tryNumber'> {
  const { method = 'GET', url, subject, headers = {}, form } = request;
  return { method, url, subject, headers, form, signal };
}

function isWanted({ status }: HttpResponse, { accepts = [] }: TransportRequest): boolean {
  if (status === 200 || status === 206) return true;
  // 500 is mostly a fault of the program's: it does not pass.
  return accepts === 'refusals' ? !isRetryable(status) || status === 500 : accepts.includes(status);
}

/**
 * Whether other credentials may help: where the server says so, and where it refuses without a word. Some hide what is
 * private (404); some answer an expired token with 400 or 403.
 */
function isUnauthorized(answer: HttpResponse, asked: URL, field: string | undefined): boolean {
  if (!isFrom(answer, asked)) return false;
  return (
    answer.status === 401 || answer.status === 403 || answer.status === (field === undefined ? 404 : 400)
  );
}

function isFrom({ url }: HttpResponse, asked: URL): boolean {
  return url.origin === asked.origin;
}

function challengesOf(answer: HttpResponse): string | undefined {
  return headerOf(answer, 'www-authenticate');
}

async function readWhole(answer: HttpResponse, limit: SizeLimit, exchange: Exchange): Promise<Buffer> {
  try {
    return await readBody(answer, limit, exchange.subject);
  } catch (error) {
    throw endOf({ ...exchange, url: answer.url }) ?? asBrokenBody(error, exchange.subject, answer.url);
  }
}

async function* chunksOf(
  answer: HttpResponse,
  { subject, signal }: Exchange,
  { minimumRateBytesPerSecond, bodyTimeoutMs: windowMs }: HttpOptions,
): AsyncGenerator<Uint8Array, void> {
  const pace = new ThroughputFloor({ minimumRateBytesPerSecond, windowMs });
  let waitingSinceMs = performance.now();
  try {
    for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
      answer.received.bytes += chunk.length;
      const drip = pace.received(chunk.length, performance.now() - waitingSinceMs);
      if (drip !== undefined) throw new NetworkFailure(subject, answer.url, dripping(drip));
      yield chunk;
      waitingSinceMs = performance.now();
    }
  } catch (error) {
    if (signal.aborted) throw interruption(signal);
    const broken = asBrokenBody(error, subject, answer.url);
    throw broken instanceof Retryable ? broken.failure : broken;
  }
}

function checked<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (isFailure(error, 'digest-mismatch')) throw new Retryable(error);
    throw error;
  }
}

/** Reads the body of an error response, and returns the error to throw. */
async function errorOf(
  answer: HttpResponse,
  { url, subject, authorization }: Pick<TransportRequest, 'url' | 'subject' | 'authorization'>,
): Promise<Failure | Retryable> {
  const response: ErrorResponse = {
    status: answer.status,
    host: answer.url.host,
    credentials: authorization?.origin(),
    body: await readErrorBody(answer),
    isDirect: answer.url.href === url.href,
    retryAfterMs: parseRetryAfter(headerOf(answer, 'retry-after') ?? '', Date.now()),
  };
  const failure = subject.toFailure({ kind: 'response', response });
  if (!isRetryable(response.status)) return failure;
  const waitMs = response.retryAfterMs;
  const isShort = waitMs === undefined || waitMs <= MAXIMUM_WAIT_MS;
  const isObeyed = response.status === 429 || response.status === 503;
  if (isObeyed && !isShort) return failure;
  return new Retryable(failure, { waitMs: isShort ? waitMs : undefined });
}
