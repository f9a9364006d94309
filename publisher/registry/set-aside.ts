import { Failure } from '../../core/failure.ts';
import { localTimeWithSeconds } from '../../core/text.ts';
import type { Subject } from '../../core/http/subject.ts';

/** What is asked of a host, for a repository. */
export interface RegistryQuery {
  readonly host: string;
  /** With the endpoint's prefix, if there is one. */
  readonly repository: string;
  readonly kind: Subject['kind'];
}

interface Rest {
  readonly untilMs: number;
  /** How often in a row. */
  readonly times: number;
  readonly reason: string;
}

const LONGEST_MS = 3_600_000;

/**
 * Leaves hosts alone that did not give what they were asked for in time, for a time that doubles whenever that happens
 * again, up to an hour. A host that gave something else meanwhile is asked for everything else: else whoever asks for
 * something that takes long would keep others from what is there.
 */
export class SetAside {
  readonly #shortestMs: number;
  readonly #now: () => number;
  readonly #rests = new Map<string, Rest>();
  readonly #lastDoneMs = new Map<string, number>();

  /** @param shortestMs how long a host is left alone the first time; `now` in ms of any clock */
  constructor(shortestMs: number, now: () => number = () => performance.now()) {
    this.#shortestMs = shortestMs;
    this.#now = now;
  }

  get nowMs(): number {
    return this.#now();
  }

  /** @throws Failure `registry-timeout` while the host is left alone, or with what is asked of it */
  check(asked: RegistryQuery): void {
    for (const key of [asked.host, keyOf(asked)]) {
      const rest = this.#rests.get(key);
      const leftMs = rest === undefined ? 0 : rest.untilMs - this.#now();
      // A clock that was set back must not hold it back for longer.
      if (rest !== undefined && leftMs > 0 && leftMs <= LONGEST_MS) throw this.#failure(asked, rest);
    }
  }

  /** It gave what it was asked for. */
  done(asked: RegistryQuery): void {
    this.#rests.delete(asked.host);
    this.#rests.delete(keyOf(asked));
    this.#lastDoneMs.set(asked.host, this.#now());
  }

  /** It did not within its time. @param beganMs when it was asked */
  late(asked: RegistryQuery, failure: Failure, beganMs: number): void {
    const isChoosy = (this.#lastDoneMs.get(asked.host) ?? Number.NEGATIVE_INFINITY) > beganMs;
    const key = isChoosy ? keyOf(asked) : asked.host;
    const before = this.#rests.get(key);
    const nowMs = this.#now();
    // Others that were under way at the same time say nothing new.
    if (before !== undefined && beganMs < before.untilMs) return;
    const times = (before?.times ?? 0) + 1;
    const restMs = Math.min(this.#shortestMs * 2 ** Math.min(times - 1, 20), LONGEST_MS);
    this.#rests.set(key, { untilMs: nowMs + restMs, times, reason: failure.message });
  }

  #failure({ host, repository, kind }: RegistryQuery, { untilMs, times, reason }: Rest): Failure {
    const until = localTimeWithSeconds(Date.now() + untilMs - this.#now());
    const often = times === 1 ? '' : ` for the ${times}th time`;
    const what = `a ${kind} of ${repository}`;
    return new Failure(
      'registry-timeout',
      `the registry ${host} is set aside${often} until ${until}, and not asked for ${what}: ${reason}`,
      { hint: 'it is asked again then; other registries are asked meanwhile, and what is published stays' },
    );
  }
}

function keyOf({ host, repository, kind }: RegistryQuery): string {
  return `${host} ${repository} ${kind}`;
}
