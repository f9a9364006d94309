import { isFailure, type Failure } from '../../wishlist/failure.ts';
import type { ImageReference } from '../../wishlist/reference/reference.ts';
import type { Authentication } from './authentication/authentication.ts';
import { endpoint } from './endpoint.ts';
import type { RegistryOptions } from './options.ts';
import type { Place } from './route.ts';
import type { Subject } from './subject.ts';
import type { Authorization, TransportRequest } from './http/transport.ts';

/** Where one request for an image goes. */
export interface Source {
  readonly reference: ImageReference;
  readonly place: Place;
  readonly authorization: Authorization;
  /** Whether another place is asked where this one fails: it is not worth many tries then. */
  readonly hasAlternative: boolean;
  /** The address of what a repository offers: `path` is such as `tags/list`. */
  readonly url: (path: string) => URL;
}

/** Mirrors, pull-through proxies, and the registries themselves, in the order in which they are asked. */
export class Sources {
  readonly #options: Pick<RegistryOptions, 'routes' | 'warn'>;
  readonly #authentication: Authentication;
  readonly #warned = new Set<string>();

  constructor(options: Pick<RegistryOptions, 'routes' | 'warn'>, authentication: Authentication) {
    this.#options = options;
    this.#authentication = authentication;
  }

  /**
   * What `ask` answers for the first place that does not fail. Each further `attempt`, from 1, begins one place later:
   * what a mirror gave was no good then.
   *
   * @throws Failure of the last place
   */
  async ask<T>(reference: ImageReference, ask: (source: Source) => T | Promise<T>, attempt = 1): Promise<T> {
    const { mirrors } = this.#options.routes(reference.registry);
    for (const mirror of mirrors.slice(Math.max(0, attempt - 1))) {
      const source = this.#at(mirror, reference, true);
      try {
        return await ask(source);
      } catch (error) {
        if (!isFailure(error) || error.code === 'interrupted') throw error;
        this.#passOver(source, error);
      }
    }
    return await ask(this.#origin(reference));
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

/** A request to `source`. */
export function requestOf(source: Source, subject: Subject, url: URL): TransportRequest {
  const { authorization, hasAlternative } = source;
  return { url, subject, authorization, ...(hasAlternative && { tries: 1 }) };
}
