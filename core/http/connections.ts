import type { Dispatcher } from 'undici';
import { Slots } from '../concurrency.ts';
import { Dispatchers, type Dispatch } from './dispatchers.ts';
import type { NetworkError, Subject } from './fault.ts';
import { NetworkFailure, asBrokenBody, asNetworkFailure, endOf, reasonOf } from './network-failure.ts';
import { settingsOf, type HttpOptions, type RequestRecord } from './options.ts';
import { ProxyError } from './proxies.ts';
import { RateLimits } from './rate-limits.ts';
import { headOf, type HttpResponse } from './response.ts';
import type { TimeLimit } from './time-limit.ts';
import { userAgent } from './user-agent.ts';
import { anySignal, pause, unlessAborted } from '../interruption.ts';

export type Method = 'GET' | 'HEAD' | 'POST';

/** A single request to one URL. */
export interface Exchange {
  readonly method: Method;
  readonly url: URL;
  readonly subject: Subject;
  readonly headers: Readonly<Record<string, string>>;
  /** The body of a POST, as `application/x-www-form-urlencoded`. */
  readonly form: string | undefined;
  readonly signal: AbortSignal;
  /** Runs while a connection is in use. */
  readonly timeLimit: TimeLimit;
  /** 1 for the first. */
  readonly tryNumber: number;
}

/** Lets the network go on while a blob's last bytes are written to disk. */
const BODY_BUFFER_BYTES = 1024 * 1024;

const FORM_TYPE = 'application/x-www-form-urlencoded';

/** The connections to all servers: time limits, so many requests at once for each, and a memory of dead and busy ones. */
export class Connections {
  readonly #options: HttpOptions;
  readonly #dispatchers: Dispatchers;
  readonly #slots: Slots;
  readonly #reachability: Reachability;
  readonly #rateLimits: RateLimits;
  readonly #userAgent = userAgent();

  constructor(options: HttpOptions) {
    this.#options = options;
    const { servers, concurrency } = options;
    this.#dispatchers = new Dispatchers({ ...options, materialOf: (url) => settingsOf(url, servers) });
    this.#slots = new Slots((origin) => settingsOf(new URL(origin), servers).concurrency ?? concurrency);
    this.#reachability = new Reachability(options.outageMemoryMs, options.nowMs);
    this.#rateLimits = new RateLimits(options.rateLimitMemoryMs);
  }

  /** Ends all connections, those under way with an error. */
  async close(): Promise<void> {
    await this.#dispatchers.destroy();
  }

  /**
   * The answer's headers, whatever its status. The slot is free again when the body has been read or destroyed.
   *
   * @throws NetworkFailure for all that goes wrong on the way; Failure where the server is known to be dead or wants no
   *   requests now, or the signal ended the wait
   */
  async send(exchange: Exchange): Promise<HttpResponse> {
    const { url, timeLimit } = exchange;
    const leave = await this.#enter(exchange);
    const { onRequest } = this.#options;
    const record = onRequest && beginRecord(exchange, onRequest);
    const end: NonNullable<typeof record> = (received, error) => {
      timeLimit.pause();
      leave();
      record?.(received, error);
    };
    timeLimit.resume();
    let response: Dispatcher.ResponseData;
    try {
      response = await this.#request(exchange);
    } catch (error) {
      const failure = endOf(exchange) ?? asNetworkFailure(error, exchange.subject, url);
      end(undefined, reasonOf(failure));
      throw failure;
    }
    const { statusCode: status, headers, body } = response;
    const answer = { status, url, headers, body, received: { bytes: 0 } };
    let broken: string | undefined;
    // An error of a body that nobody reads any more has been dealt with; readers get it all the same.
    body.on('error', (error) => {
      broken = reasonOf(endOf(exchange) ?? asBrokenBody(error, exchange.subject, url));
    });
    body.once('close', () => end(answer, broken));
    this.#reachability.answered(url.origin);
    this.#rateLimits.learn(url.origin, headOf(answer));
    return answer;
  }

  /** Called when a request that began at `beganMs` (of `performance.now()`) is not tried again. */
  gaveUp(failure: NetworkFailure, beganMs: number): void {
    this.#reachability.failed(failure.origin, failure.error, beganMs);
  }

  /**
   * Waits for a slot, and as long as the server wishes; in that time the slot is for those that need not wait. The
   * function that it answers gives the slot back.
   */
  async #enter(exchange: Exchange): Promise<() => void> {
    for (let waitedMs = 0; ;) {
      const leave = await this.#slots.take(exchange.url.origin, exchange.signal);
      let waitMs: number;
      try {
        this.#checkOutage(exchange);
        waitMs = this.#rateLimits.waitOf(exchange, waitedMs);
      } catch (error) {
        leave();
        throw error;
      }
      if (waitMs <= 0) return leave;
      leave();
      await pause(waitMs, exchange.signal);
      waitedMs += waitMs;
    }
  }

  #checkOutage({ url, subject }: Exchange): void {
    const outage = this.#reachability.outageOf(url.origin);
    if (outage !== undefined) throw new NetworkFailure(subject, url, outage).failure;
  }

  async #request(exchange: Exchange): Promise<Dispatcher.ResponseData> {
    const dispatch = this.#dispatchers.dispatchFor(exchange.url);
    const signal = anySignal(exchange.signal, exchange.timeLimit.signal);
    const response = dispatch.dispatcher.request({
      origin: dispatch.origin,
      path: dispatch.target,
      method: exchange.method,
      headers: { ...this.#headersOf(exchange), ...dispatch.headers },
      body: exchange.form ?? null,
      headersTimeout: this.#options.headersTimeoutMs,
      bodyTimeout: this.#options.bodyTimeoutMs,
      highWaterMark: BODY_BUFFER_BYTES,
      // undici would close each connection after a HEAD, and thousands of images are asked for that way.
      reset: false,
      signal,
    });
    // undici notices an aborted signal only when the connection stands, which can take the whole time limit.
    return ofServer(await unlessAborted(response, signal), dispatch);
  }

  #headersOf({ headers, form }: Exchange): Record<string, string> {
    const contentType = form === undefined ? {} : { 'content-type': FORM_TYPE };
    return { ...headers, ...contentType, 'user-agent': this.#userAgent };
  }
}

/** The answer, unless it is the proxy's own, which wants a password. */
function ofServer(response: Dispatcher.ResponseData, { proxyHost }: Dispatch): Dispatcher.ResponseData {
  if (proxyHost === undefined || response.statusCode !== 407) return response;
  response.body.on('error', () => undefined).destroy();
  throw new ProxyError(proxyHost, { status: response.statusCode });
}

/** Begins the record of an exchange; the function returned completes it and must be called once. */
function beginRecord(
  { method, url, tryNumber, headers }: Exchange,
  onRequest: (record: RequestRecord) => void,
): (answer: HttpResponse | undefined, error: string | undefined) => void {
  const beganMs = performance.now();
  return (answer, error) => {
    onRequest({
      method,
      url: `${url.origin}${url.pathname}`,
      status: answer?.status,
      error,
      durationMs: performance.now() - beganMs,
      tryNumber,
      bytes: answer?.received.bytes ?? 0,
      isAuthorized: headers['authorization'] !== undefined,
    });
  };
}

interface Outage {
  readonly untilMs: number;
  readonly error: NetworkError;
}

/**
 * Remembers which servers could not be reached, so that a hundred images of one dead registry do not each wait for
 * its time limits. Times of requests are those of `performance.now()`.
 */
export class Reachability {
  readonly #memoryMs: number;
  readonly #now: () => number;
  readonly #outages = new Map<string, Outage>();
  readonly #lastAnswersMs = new Map<string, number>();

  /** @param now in ms of any clock, which may be set back: nothing is remembered for longer */
  constructor(memoryMs: number, now: () => number = () => performance.now()) {
    this.#memoryMs = memoryMs;
    this.#now = now;
  }

  /** Why `origin` was unreachable a short time ago, or `undefined`. */
  outageOf(origin: string): NetworkError | undefined {
    const outage = this.#outages.get(origin);
    if (outage === undefined) return undefined;
    const leftMs = outage.untilMs - this.#now();
    if (leftMs > 0 && leftMs <= this.#memoryMs) return outage.error;
    this.#outages.delete(origin);
    return undefined;
  }

  /** A server answered, whatever it said. */
  answered(origin: string): void {
    this.#outages.delete(origin);
    this.#lastAnswersMs.set(origin, performance.now());
  }

  /**
   * A request that began at `beganMs` was given up. A server that answered others since is slow or choosy, not dead:
   * that is not remembered.
   */
  failed(origin: string, error: NetworkError, beganMs: number): void {
    if ((this.#lastAnswersMs.get(origin) ?? -1) >= beganMs) return;
    this.#outages.set(origin, { untilMs: this.#now() + this.#memoryMs, error });
  }
}
