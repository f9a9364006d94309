import { isFailure } from '../../../core/failure.ts';
import { baseUrl, type RepositoryAccess } from '../endpoint.ts';
import type { Transport } from '../../../core/http/transport.ts';

interface Answer {
  readonly challenges: Promise<string | undefined>;
  /** Of `performance.now()`. */
  readonly untilMs: number;
}

/** An administrator may set up access control at any time. */
const MEMORY_MS = 3_600_000;

/**
 * How registries want to be logged in to, asked at `/v2/`: some hide what is private from those who are not, with 404 or
 * 403 and no challenge. Each is asked once in an hour.
 *
 * @see OCI distribution specification 1.1, "Determining Support"
 */
export class BaseChallenges {
  readonly #transport: Transport;
  readonly #answers = new Map<string, Answer>();

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** As the field `WWW-Authenticate` has them; `undefined` where the registry wants nothing, or cannot be asked. */
  async of({ endpoint, reference }: RepositoryAccess): Promise<string | undefined> {
    const url = baseUrl(endpoint);
    const known = this.#answers.get(url.href);
    if (known !== undefined && performance.now() < known.untilMs) return await known.challenges;
    const asking = this.#transport.challenges({ url, subject: { kind: 'token', reference } });
    const answer = { challenges: this.#orNone(asking, url), untilMs: performance.now() + MEMORY_MS };
    this.#answers.set(url.href, answer);
    return await answer.challenges;
  }

  /** A server that cannot be asked now is asked again; what it refused before is refused. */
  async #orNone(asking: Promise<string | undefined>, url: URL): Promise<string | undefined> {
    try {
      return await asking;
    } catch (error) {
      this.#answers.delete(url.href);
      if (!isFailure(error) || error.code === 'interrupted') throw error;
      return undefined;
    }
  }
}
