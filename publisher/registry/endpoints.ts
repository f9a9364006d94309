import { isFailure, Failure } from '../../core/failure.ts';
import type { ImageSubject, ImageReference } from '../../core/oci/reference.ts';
import type { Authorization, TransportRequest } from '../../core/http/transport.ts';
import type { Authentication } from './authentication/authentication.ts';
import { apiUrl, type Endpoint, type RepositoryAccess } from './endpoint.ts';
import type { RegistryOptions } from './options.ts';
import { localTimeWithSeconds } from '../../core/text.ts';
import { aboutImage } from './error-response.ts';

/** A repository at the endpoint that is tried now. */
export interface EndpointTry extends RepositoryAccess {
  readonly authorization: Authorization;
  /** True where another endpoint is tried next: this one is not worth many tries then. */
  readonly hasAlternative: boolean;
  /** The address of what the repository has: `path` is such as `tags/list`. */
  readonly url: (path: string) => URL;
}

type EndpointOptions = Pick<RegistryOptions, 'routes' | 'warn' | 'setAsideMs' | 'nowMs'>;

export interface SlowBlob {
  /** The last, see {@link Endpoints.tryEach}. */
  readonly attempt: number;
  readonly durationMs: number;
}

/** Mirrors, pull-through proxies, and the registries themselves, in the order in which they are tried. */
export class Endpoints {
  readonly #options: EndpointOptions;
  readonly #authentication: Authentication;
  readonly #setAside: SetAside;
  readonly #warned = new Set<string>();

  constructor(options: EndpointOptions, authentication: Authentication) {
    this.#options = options;
    this.#authentication = authentication;
    this.#setAside = new SetAside(options.setAsideMs, options.nowMs);
  }

  /**
   * Returns what `ask` returns for the first endpoint that does not fail. Each further `attempt`, from 1, begins one
   * endpoint later: what a mirror gave was no good then.
   *
   * @throws Failure of the last endpoint; `registry-timeout` where that is set aside
   */
  async tryEach<T>(
    reference: ImageReference,
    kind: ImageSubject['kind'],
    ask: (endpoint: EndpointTry) => T | Promise<T>,
    attempt = 1,
  ): Promise<T> {
    const { mirrors } = this.#options.routes(reference.registry);
    for (const mirror of mirrors.slice(Math.max(0, attempt - 1))) {
      const endpoint = this.#at(mirror, reference, true);
      try {
        return await this.#timed(endpoint, kind, ask);
      } catch (error) {
        if (!isFailure(error) || error.code === 'interrupted') throw error;
        this.#passOver(endpoint, error);
      }
    }
    return await this.#timed(this.#origin(reference), kind, ask);
  }

  /** Asks the registry itself; `undefined` where a pull-through proxy takes its place. @throws Failure like {@link tryEach} */
  async askRegistry<T>(
    reference: ImageReference,
    kind: ImageSubject['kind'],
    ask: (endpoint: EndpointTry) => Promise<T>,
  ): Promise<T | undefined> {
    if (this.#options.routes(reference.registry).proxy !== undefined) return undefined;
    return await this.#timed(this.#origin(reference), kind, ask);
  }

  /** Sets aside the host of a blob that did not come in time: {@link tryEach} sees only its beginning. */
  tooSlow(reference: ImageReference, failure: Failure, { attempt, durationMs }: SlowBlob): void {
    const { mirrors } = this.#options.routes(reference.registry);
    const mirror = mirrors[attempt - 1];
    const endpoint = mirror === undefined ? this.#origin(reference) : this.#at(mirror, reference, true);
    this.#setAside.late(queryOf(endpoint, 'blob'), failure, this.#setAside.nowMs - durationMs);
  }

  async #timed<T>(
    endpoint: EndpointTry,
    kind: ImageSubject['kind'],
    ask: (endpoint: EndpointTry) => T | Promise<T>,
  ): Promise<T> {
    const query = queryOf(endpoint, kind);
    this.#setAside.check(query);
    const beganMs = this.#setAside.nowMs;
    try {
      const answer = await ask(endpoint);
      // Of a blob nothing has come yet.
      if (kind !== 'blob') this.#setAside.done(query);
      return answer;
    } catch (error) {
      if (isFailure(error, 'registry-timeout')) this.#setAside.late(query, error, beganMs);
      throw error;
    }
  }

  #origin(reference: ImageReference): EndpointTry {
    const { scheme, registry: host } = reference;
    const { proxy } = this.#options.routes(host);
    return this.#at(proxy ?? { scheme, host, prefix: '' }, reference, false);
  }

  #at(endpoint: Endpoint, reference: ImageReference, hasAlternative: boolean): EndpointTry {
    const repository = [endpoint.prefix, reference.repository].filter((part) => part !== '').join('/');
    const access = { endpoint, repository, reference };
    return {
      ...access,
      hasAlternative,
      authorization: this.#authentication.for(access),
      url: (path) => apiUrl(endpoint, repository, path),
    };
  }

  /** Warns once of what is wrong with a mirror. It need not have everything. */
  #passOver({ endpoint, reference }: EndpointTry, { code, message }: Failure): void {
    if (code === 'image-unknown' || code === 'tag-unknown' || code === 'blob-unknown') return;
    const key = `${endpoint.host} ${reference.registry} ${code}`;
    if (this.#warned.has(key)) return;
    this.#warned.add(key);
    this.#options.warn(`the mirror ${endpoint.host} of ${reference.registry} is passed over: ${message}`);
  }
}

function queryOf({ endpoint, repository }: EndpointTry, kind: ImageSubject['kind']): RegistryQuery {
  return { host: endpoint.host, repository, kind };
}

export function requestTo(endpoint: EndpointTry, subject: ImageSubject, url: URL): TransportRequest {
  const { authorization, hasAlternative } = endpoint;
  return { url, subject: aboutImage(subject), authorization, ...(hasAlternative && { tries: 1 }) };
}

export interface RegistryQuery {
  readonly host: string;
  /** With the endpoint's prefix, if there is one. */
  readonly repository: string;
  readonly kind: ImageSubject['kind'];
}

interface Rest {
  readonly untilMs: number;
  /** In a row. */
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
