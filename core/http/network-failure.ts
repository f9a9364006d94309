import { Failure } from '../failure.ts';
import { interruption } from '../interruption.ts';
import { classifyNetworkError, tooSlow, tooSlowAltogether, type NetworkError } from './network-error.ts';
import { Retryable } from './retry.ts';
import { describeSubject, type Subject } from './subject.ts';
import type { TimeLimit } from './time-limit.ts';

/** A request that got no whole answer. */
export class NetworkFailure extends Retryable {
  readonly origin: string;
  readonly error: NetworkError;

  constructor(subject: Subject, url: URL, error: NetworkError, cause?: unknown) {
    super(failureFor(subject, url, error, cause), { maximumTries: error.maximumTries });
    this.origin = url.origin;
    this.error = error;
  }
}

/** What can end an exchange from our side. */
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

/** What an exchange ends with because its time is over or it was stopped; `undefined` where neither is so. */
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

/** A redirect's address may hold a signature: only its host is named. */
function failureFor(subject: Subject, url: URL, error: NetworkError, cause: unknown): Failure {
  const { registry } = subject.reference;
  const place = url.host === registry ? '' : ` (at ${url.host})`;
  const what = error.code === 'registry-error' ? 'does not properly answer' : 'cannot be reached';
  const message = `the registry ${registry}${place} ${what} for ${describeSubject(subject)}: ${error.reason}`;
  return new Failure(error.code, message, { hint: error.hint, cause });
}
