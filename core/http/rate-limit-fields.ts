/** What a server says about how many requests it allows. */
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
