import type { Failure } from '../failure.ts';
import type { Head } from './response.ts';
import type { Subject } from './fault.ts';
import { MAXIMUM_WAIT_MS, parseRetryAfter } from './retry.ts';

/** A request that wants to be sent. */
interface Asking {
  readonly method: string;
  readonly url: URL;
  readonly subject: Subject;
}

interface Ban {
  readonly untilMs: number;
  /** The exhausted quota; `undefined` where the server named a time alone. */
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
  /** Bans on requests that count against a quota, by origin. */
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

  /** Learns from an answer of `origin`. */
  learn(origin: string, { status, header }: Pick<Head, 'status' | 'header'>): void {
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
    const reason = quota === undefined ? 'asked for a pause' : `allows no more requests${sizeOf(quota)}`;
    const untilTimeMs = Date.now() + untilMs - this.#now();
    return subject.toFailure({ kind: 'paused', host: url.host, untilMs: untilTimeMs, reason });
  }
}

/** On Docker Hub a pull is a GET of a manifest; HEAD and blobs are free. */
function counts({ method, subject }: Asking): boolean {
  return method === 'GET' && subject.purpose === 'pull';
}

function sizeOf({ limit, windowS }: Quota): string {
  const window = windowS === undefined ? '' : ` in ${windowS} s`;
  return limit === undefined ? window : ` than ${limit}${window}`;
}

/** Number of requests that a server allows, as it says. */
export interface Quota {
  readonly remaining: number;
  readonly limit: number | undefined;
  readonly windowS: number | undefined;
  /** Until there is more; `undefined` where the server does not say. */
  readonly resetMs: number | undefined;
}

type Header = (name: string) => string | undefined;

/** GitLab gives the time of the reset, the drafts the seconds until then: none is 30 years away. */
const LEAST_TIMESTAMP_S = 1_000_000_000;

/**
 * The quota in an answer's fields; of several the one that is used up longest. `nowMs` is the time of day.
 *
 * @see https://docs.docker.com/docker-hub/usage/pulls/ for `ratelimit-remaining: 0;w=21600`, without a reset
 * @see draft-ietf-httpapi-ratelimit-headers: `RateLimit-Remaining` and `RateLimit-Reset` up to version 06, one field
 *   `RateLimit` since
 * @internal
 */
export function readQuota(header: Header, nowMs: number): Quota | undefined {
  const quotas = [separateFields(header, nowMs), ...combinedField(header, nowMs)];
  return quotas.filter((quota) => quota !== undefined).toSorted(scarcestFirst)[0];
}

function separateFields(header: Header, nowMs: number): Quota | undefined {
  const field = header('ratelimit-remaining') ?? '';
  const remaining = leadingNumber(field);
  if (remaining === undefined) return undefined;
  const limitField = header('ratelimit-limit') ?? '';
  return {
    remaining,
    limit: leadingNumber(limitField),
    windowS: parameterOf(field, 'w') ?? parameterOf(limitField, 'w'),
    resetMs: untilReset(leadingNumber(header('ratelimit-reset') ?? ''), nowMs),
  };
}

/** `"default";r=0;t=30`, `limit=100, remaining=0, reset=30` */
function combinedField(header: Header, nowMs: number): (Quota | undefined)[] {
  const field = header('ratelimit') ?? '';
  const items = /(?:^|[\s,])limit\s*=/.test(field) ? [field] : field.split(',');
  return items.map((item) => {
    const remaining = parameterOf(item, 'r') ?? parameterOf(item, 'remaining');
    if (remaining === undefined) return undefined;
    const reset = parameterOf(item, 't') ?? parameterOf(item, 'reset');
    return {
      remaining,
      limit: parameterOf(item, 'limit'),
      windowS: undefined,
      resetMs: untilReset(reset, nowMs),
    };
  });
}

function scarcestFirst(a: Quota, b: Quota): number {
  return a.remaining - b.remaining || (b.resetMs ?? 0) - (a.resetMs ?? 0);
}

function leadingNumber(field: string): number | undefined {
  const [, digits] = /^\s*(\d{1,12})(?![\d.])/.exec(field) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

function parameterOf(field: string, name: string): number | undefined {
  const [, digits] = new RegExp(String.raw`(?:^|[\s;,])${name}\s*=\s*(\d{1,12})(?![\d.])`).exec(field) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

function untilReset(reset: number | undefined, nowMs: number): number | undefined {
  if (reset === undefined || reset < LEAST_TIMESTAMP_S) return reset === undefined ? undefined : reset * 1000;
  return Math.max(0, reset * 1000 - nowMs);
}
