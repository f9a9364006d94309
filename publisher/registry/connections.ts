import { Agent, type Dispatcher } from 'undici';
import { headOf, type Answer } from './answer.ts';
import { anySignal, pause, unlessAborted } from '../interruption.ts';
import { NetworkFailure, asNetworkFailure, endOf } from './network-failure.ts';
import type { RegistryOptions } from './options.ts';
import { RateLimits } from './rate-limits.ts';
import { Reachability } from './reachability.ts';
import { Slots } from './slots.ts';
import type { Subject } from './subject.ts';
import type { TimeLimit } from './time-limit.ts';
import { userAgent } from './user-agent.ts';

export type Method = 'GET' | 'HEAD' | 'POST';

/** One request to one URL. */
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
}

/** Lets the network go on while a blob's last bytes are written to disk. */
const BODY_BUFFER_BYTES = 1024 * 1024;

const FORM_TYPE = 'application/x-www-form-urlencoded';

/** The connections to all servers: time limits, so many requests at once for each, and a memory of dead and busy ones. */
export class Connections {
  readonly #agent: Agent;
  readonly #slots: Slots;
  readonly #reachability: Reachability;
  readonly #rateLimits: RateLimits;
  readonly #userAgent = userAgent();

  constructor(options: RegistryOptions) {
    this.#agent = new Agent({
      connect: { timeout: options.connectTimeoutMs },
      headersTimeout: options.headersTimeoutMs,
      bodyTimeout: options.bodyTimeoutMs,
    });
    this.#slots = new Slots(options.concurrency);
    this.#reachability = new Reachability(options.outageMemoryMs);
    this.#rateLimits = new RateLimits(options.rateLimitMemoryMs);
  }

  /** Ends all connections, those under way with an error. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  /**
   * The answer's headers, whatever its status. The slot is free again when the body has been read or destroyed.
   *
   * @throws NetworkFailure for all that goes wrong on the way; Failure where the server is known to be dead or wants no
   *   requests now, or the signal ended the wait
   */
  async send(exchange: Exchange): Promise<Answer> {
    const { origin } = exchange.url;
    const leave = await this.#enter(exchange);
    const release = (): void => {
      exchange.timeLimit.pause();
      leave();
    };
    exchange.timeLimit.resume();
    try {
      const outage = this.#reachability.outageOf(origin);
      if (outage !== undefined) throw new NetworkFailure(exchange.subject, exchange.url, outage).failure;
      const { statusCode, headers, body } = await this.#request(exchange);
      this.#reachability.answered(origin);
      body.once('close', release);
      // An error of a body that nobody reads any more has been dealt with; readers get it all the same.
      body.on('error', () => undefined);
      const answer = { status: statusCode, url: exchange.url, headers, body };
      this.#rateLimits.learn(origin, headOf(answer));
      return answer;
    } catch (error) {
      release();
      throw endOf(exchange) ?? asNetworkFailure(error, exchange.subject, exchange.url);
    }
  }

  /** Called when a request that began at `beganMs` (of `performance.now()`) is not tried again. */
  gaveUp(failure: NetworkFailure, beganMs: number): void {
    this.#reachability.failed(failure.origin, failure.error, beganMs);
  }

  /** Waits for a slot, and as long as the server wishes; in that time the slot is for those that need not wait. */
  async #enter(exchange: Exchange): Promise<() => void> {
    for (let waitedMs = 0; ;) {
      const leave = await this.#slots.take(exchange.url.origin, exchange.signal);
      let waitMs: number;
      try {
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

  async #request(exchange: Exchange): Promise<Dispatcher.ResponseData> {
    const { method, url, headers, form } = exchange;
    const signal = anySignal(exchange.signal, exchange.timeLimit.signal);
    const response = this.#agent.request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method,
      headers: {
        ...headers,
        ...(form === undefined ? {} : { 'content-type': FORM_TYPE }),
        'user-agent': this.#userAgent,
      },
      body: form ?? null,
      // undici would close each connection after a HEAD, and thousands of images are asked for that way.
      reset: false,
      highWaterMark: BODY_BUFFER_BYTES,
      signal,
    });
    // undici notices an aborted signal only when the connection stands, which can take the whole time limit.
    return await unlessAborted(response, signal);
  }
}
