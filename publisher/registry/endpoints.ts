import { isFailure, type Failure } from '../../core/failure.ts';
import type { Subject } from '../../core/http/subject.ts';
import type { Authorization, TransportRequest } from '../../core/http/transport.ts';
import type { ImageReference } from '../../core/oci/reference.ts';
import type { Authentication } from './authentication/authentication.ts';
import { apiUrl, type Endpoint, type RepositoryAccess } from './endpoint.ts';
import type { RegistryOptions } from './options.ts';
import { SetAside, type RegistryQuery } from './set-aside.ts';

/** A repository at the endpoint that is tried now. */
export interface EndpointTry extends RepositoryAccess {
  readonly authorization: Authorization;
  /** Whether another endpoint is tried where this one fails: it is not worth many tries then. */
  readonly hasAlternative: boolean;
  /** The address of what the repository has: `path` is such as `tags/list`. */
  readonly url: (path: string) => URL;
}

type EndpointOptions = Pick<RegistryOptions, 'routes' | 'warn' | 'setAsideMs' | 'nowMs'>;

/** A download that was too slow. */
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
    kind: Subject['kind'],
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

  /** Sets aside the host of a blob that did not come in time: {@link tryEach} sees only its beginning. */
  tooSlow(reference: ImageReference, failure: Failure, { attempt, durationMs }: SlowBlob): void {
    const { mirrors } = this.#options.routes(reference.registry);
    const mirror = mirrors[attempt - 1];
    const endpoint = mirror === undefined ? this.#origin(reference) : this.#at(mirror, reference, true);
    this.#setAside.late(queryOf(endpoint, 'blob'), failure, this.#setAside.nowMs - durationMs);
  }

  async #timed<T>(
    endpoint: EndpointTry,
    kind: Subject['kind'],
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

function queryOf({ endpoint, repository }: EndpointTry, kind: Subject['kind']): RegistryQuery {
  return { host: endpoint.host, repository, kind };
}

export function requestTo(endpoint: EndpointTry, subject: Subject, url: URL): TransportRequest {
  const { authorization, hasAlternative } = endpoint;
  return { url, subject, authorization, ...(hasAlternative && { tries: 1 }) };
}
