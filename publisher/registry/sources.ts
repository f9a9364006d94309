import { isFailure, type Failure } from '../../core/failure.ts';
import type { ImageReference } from '../../core/oci/reference.ts';
import type { Authentication } from './authentication/authentication.ts';
import { endpoint } from './endpoint.ts';
import type { RegistryOptions } from './options.ts';
import type { Place } from './route.ts';
import { SetAside, type Asked } from './set-aside.ts';
import type { Subject } from '../../core/http/subject.ts';
import type { Authorization, TransportRequest } from '../../core/http/transport.ts';

/** Where one request for an image goes. */
export interface Source {
  readonly reference: ImageReference;
  readonly place: Place;
  /** The repository there, with the place's prefix. */
  readonly path: string;
  readonly authorization: Authorization;
  /** Whether another place is asked where this one fails: it is not worth many tries then. */
  readonly hasAlternative: boolean;
  /** The address of what a repository offers: `path` is such as `tags/list`. */
  readonly url: (path: string) => URL;
}

type SourceOptions = Pick<RegistryOptions, 'routes' | 'warn' | 'setAsideMs' | 'nowMs'>;

/** A download that was too slow. */
export interface SlowBlob {
  /** The last, see {@link Sources.ask}. */
  readonly attempt: number;
  readonly durationMs: number;
}

/** Mirrors, pull-through proxies, and the registries themselves, in the order in which they are asked. */
export class Sources {
  readonly #options: SourceOptions;
  readonly #authentication: Authentication;
  readonly #setAside: SetAside;
  readonly #warned = new Set<string>();

  constructor(options: SourceOptions, authentication: Authentication) {
    this.#options = options;
    this.#authentication = authentication;
    this.#setAside = new SetAside(options.setAsideMs, options.nowMs);
  }

  /**
   * What `ask` answers for the first place that does not fail. Each further `attempt`, from 1, begins one place later:
   * what a mirror gave was no good then.
   *
   * @throws Failure of the last place; `registry-timeout` where that is set aside
   */
  async ask<T>(
    reference: ImageReference,
    kind: Subject['kind'],
    ask: (source: Source) => T | Promise<T>,
    attempt = 1,
  ): Promise<T> {
    const { mirrors } = this.#options.routes(reference.registry);
    for (const mirror of mirrors.slice(Math.max(0, attempt - 1))) {
      const source = this.#at(mirror, reference, true);
      try {
        return await this.#timed(source, kind, ask);
      } catch (error) {
        if (!isFailure(error) || error.code === 'interrupted') throw error;
        this.#passOver(source, error);
      }
    }
    return await this.#timed(this.#origin(reference), kind, ask);
  }

  /** To be told of a blob that did not come in time: what {@link ask} answers is only its beginning. */
  tooSlow(reference: ImageReference, failure: Failure, { attempt, durationMs }: SlowBlob): void {
    const { mirrors } = this.#options.routes(reference.registry);
    const mirror = mirrors[attempt - 1];
    const source = mirror === undefined ? this.#origin(reference) : this.#at(mirror, reference, true);
    this.#setAside.late(askedOf(source, 'blob'), failure, this.#setAside.nowMs - durationMs);
  }

  async #timed<T>(
    source: Source,
    kind: Subject['kind'],
    ask: (source: Source) => T | Promise<T>,
  ): Promise<T> {
    const asked = askedOf(source, kind);
    this.#setAside.check(asked);
    const beganMs = this.#setAside.nowMs;
    try {
      const answer = await ask(source);
      // Of a blob nothing has come yet.
      if (kind !== 'blob') this.#setAside.done(asked);
      return answer;
    } catch (error) {
      if (isFailure(error, 'registry-timeout')) this.#setAside.late(asked, error, beganMs);
      throw error;
    }
  }

  #origin(reference: ImageReference): Source {
    const { scheme, registry: host } = reference;
    const { proxy } = this.#options.routes(host);
    return this.#at(proxy ?? { scheme, host, prefix: '' }, reference, false);
  }

  #at(place: Place, reference: ImageReference, hasAlternative: boolean): Source {
    const repository = [place.prefix, reference.repository].filter((part) => part !== '').join('/');
    return {
      reference,
      place,
      path: repository,
      hasAlternative,
      authorization: this.#authentication.for({ place, repository, reference }),
      url: (path) => endpoint(place, repository, path),
    };
  }

  /** A mirror need not have everything; what else is wrong with it is told once. */
  #passOver({ place, reference }: Source, { code, message }: Failure): void {
    if (code === 'image-unknown' || code === 'tag-unknown' || code === 'blob-unknown') return;
    const key = `${place.host} ${reference.registry} ${code}`;
    if (this.#warned.has(key)) return;
    this.#warned.add(key);
    this.#options.warn(`the mirror ${place.host} of ${reference.registry} is passed over: ${message}`);
  }
}

function askedOf({ place, path }: Source, kind: Subject['kind']): Asked {
  return { host: place.host, repository: path, kind };
}

/** A request to `source`. */
export function requestOf(source: Source, subject: Subject, url: URL): TransportRequest {
  const { authorization, hasAlternative } = source;
  return { url, subject, authorization, ...(hasAlternative && { tries: 1 }) };
}
