import { Failure } from '../failure.ts';
import { localTimeWithSeconds } from '../local-time.ts';
import type { Head } from './answer.ts';
import { readQuota, type Quota } from './rate-limit-fields.ts';
import { MAXIMUM_WAIT_MS, parseRetryAfter } from './refusal.ts';
import { describeSubject, type Subject } from './subject.ts';

/** A request that wants to be sent. */
interface Asking {
  readonly method: string;
  readonly url: URL;
  readonly subject: Subject;
}

interface Ban {
  readonly untilMs: number;
  /** What is used up; `undefined` where the server named a time alone. */
  readonly quota: Quota | undefined;
}

/** A server's wish is not remembered longer: it may have been a slip. */
const LONGEST_MEMORY_MS = 24 * 3_600_000;

/**
 * Remembers which servers want to be left alone, and until when, so that requests that will be refused are not sent.
 * Times are those of `performance.now()`, or of the clock that is given.
 */
export class RateLimits {
  readonly #memoryMs: number;
  readonly #now: () => number;
  /** By origin. */
  readonly #all = new Map<string, Ban>();
  /** Those for requests that count alone, by origin. */
  readonly #counted = new Map<string, Ban>();

  /** `memoryMs`: how long a used up quota is remembered where its server does not say when there is more. */
  constructor(memoryMs: number, now: () => number = () => performance.now()) {
    this.#memoryMs = memoryMs;
    this.#now = now;
  }

  /**
   * How long the request has to wait; 0 to be sent now. `waitedMs`: how long it has waited here already.
   *
   * @throws Failure `rate-limited` where that would be more than {@link MAXIMUM_WAIT_MS} altogether, and at once where
   *   the server does not say how long
   */
  waitOf(asking: Asking, waitedMs: number): number {
    const { origin } = asking.url;
    const counted = counts(asking) ? this.#current(this.#counted, origin) : undefined;
    if (counted !== undefined) throw this.#refusal(asking, counted);
    const ban = this.#current(this.#all, origin);
    if (ban === undefined) return 0;
    const waitMs = ban.untilMs - this.#now();
    if (waitedMs + waitMs > MAXIMUM_WAIT_MS) throw this.#refusal(asking, ban);
    return waitMs;
  }

  /** What an answer of `origin` says. */
  learn(origin: string, { status, header }: Head): void {
    const nowMs = Date.now();
    if (status === 429 || status === 503) {
      const waitMs = parseRetryAfter(header('retry-after') ?? '', nowMs);
      if (waitMs !== undefined) this.#ban(this.#all, origin, { waitMs, quota: undefined });
    }
    const quota = readQuota(header, nowMs);
    if (quota === undefined) return;
    if (quota.remaining > 0) this.#counted.delete(origin);
    else if (quota.resetMs === undefined) this.#ban(this.#counted, origin, { waitMs: this.#memoryMs, quota });
    else this.#ban(this.#all, origin, { waitMs: quota.resetMs, quota });
  }

  #ban(
    bans: Map<string, Ban>,
    origin: string,
    { waitMs, quota }: { readonly waitMs: number; readonly quota: Quota | undefined },
  ): void {
    const untilMs = this.#now() + Math.min(waitMs, LONGEST_MEMORY_MS);
    // Answers to requests that were under way together come in any order.
    if (untilMs > (bans.get(origin)?.untilMs ?? -Infinity)) bans.set(origin, { untilMs, quota });
  }

  #current(bans: Map<string, Ban>, origin: string): Ban | undefined {
    const ban = bans.get(origin);
    if (ban === undefined || this.#now() < ban.untilMs) return ban;
    bans.delete(origin);
    return undefined;
  }

  #refusal({ url, subject }: Asking, { untilMs, quota }: Ban): Failure {
    const { registry } = subject.reference;
    const until = localTimeWithSeconds(Date.now() + untilMs - this.#now());
    const reason = quota === undefined ? 'asked for a pause' : `allows no more requests${sizeOf(quota)}`;
    return new Failure(
      'rate-limited',
      `the registry ${registry} is not asked for ${describeSubject(subject)} until ${until}: ${url.host} ${reason}`,
      { hint: 'try again after that time; with credentials most registries allow more requests' },
    );
  }
}

/** On Docker Hub a pull is a GET of a manifest; HEAD and blobs are free. */
function counts({ method, subject }: Asking): boolean {
  return method === 'GET' && subject.kind === 'manifest';
}

function sizeOf({ limit, windowS }: Quota): string {
  const window = windowS === undefined ? '' : ` in ${windowS} s`;
  return limit === undefined ? window : ` than ${limit}${window}`;
}
