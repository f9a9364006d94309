import { Failure, isFailure } from '../../../core/failure.ts';
import { formatReference, type ImageReference } from '../../../core/oci/reference.ts';
import { parseChallenges, type Challenge } from './challenge.ts';
import { baseUrl, type RepositoryAccess } from '../endpoint.ts';
import { mayHaveCredentials } from '../../../core/http/options.ts';
import type { Credentials, RegistryOptions } from '../options.ts';
import { fetchToken, tokenUrl, type TokenRequest } from './token.ts';
import type { Authorization, Refused, Transport } from '../../../core/http/transport.ts';
import { aboutImage } from '../error-response.ts';

export type AuthenticationOptions = Pick<RegistryOptions, 'credentials' | 'servers'>;

interface Grant {
  /** The value of the `Authorization` field. */
  readonly field: string;
  /** Of `performance.now()`; `Infinity` where it does not. */
  readonly expiresAtMs: number;
  /** Of the credentials; `undefined` for anonymous access. */
  readonly origin: string | undefined;
  /** The field that it answers. */
  readonly challenges: string;
}

/**
 * Anonymous access, Basic, and the tokens of the distribution specification. Credentials that are refused are not
 * given up for anonymous access. What was granted is kept for each repository of each endpoint until it expires.
 *
 * Nothing is offered but what a challenge of the registry's own asks for: that of the answer, of an earlier one for the
 * same repository, or of `/v2/`. A token that is refused without a word is replaced once.
 *
 * @see https://distribution.github.io/distribution/spec/auth/token/
 */
export class Authentication {
  readonly #transport: Transport;
  readonly #options: AuthenticationOptions;
  readonly #base: BaseChallenges;
  readonly #grants = new Map<string, Grant>();
  /** New tokens that were refused without a word like those before: a further one would be too. */
  readonly #vain = new WeakSet<Grant>();
  readonly #renewals = new Map<string, Promise<Grant | undefined>>();

  constructor(transport: Transport, options: AuthenticationOptions) {
    this.#transport = transport;
    this.#options = options;
    this.#base = new BaseChallenges(transport);
  }

  for(access: RepositoryAccess): Authorization {
    const { endpoint, repository } = access;
    const key = `${endpoint.scheme}://${endpoint.host} ${repository}`;
    return {
      current: () => this.#current(key),
      origin: () => this.#grants.get(key)?.origin,
      renew: async (refused) => await this.#renew(key, access, refused),
      renewedInVain: (field) => this.#renewedInVain(key, field),
    };
  }

  #current(key: string): string | undefined {
    const grant = this.#grants.get(key);
    if (grant === undefined || performance.now() < grant.expiresAtMs) return grant?.field;
    this.#grants.delete(key);
    return undefined;
  }

  async #renew(key: string, access: RepositoryAccess, refused: Refused): Promise<string | undefined> {
    const current = this.#current(key);
    if (current !== undefined && current !== refused.field) return current;
    const challenges = refused.challenges ?? (await this.#unspoken(key, access));
    if (challenges === undefined) return undefined;
    const meanwhile = this.#current(key);
    if (meanwhile !== current) return meanwhile;
    const grant = await this.#shared(key, async () => await this.#ask(access, challenges, refused));
    if (grant !== undefined) this.#grants.set(key, grant);
    else if (refused.challenges !== undefined) this.#grants.delete(key);
    return grant?.field;
  }

  /** Shares one renewal among requests that are refused at the same time. */
  async #shared(key: string, ask: () => Promise<Grant | undefined>): Promise<Grant | undefined> {
    const underWay = this.#renewals.get(key);
    if (underWay !== undefined) return await underWay;
    const renewal = ask();
    this.#renewals.set(key, renewal);
    try {
      return await renewal;
    } catch (error) {
      this.#grants.delete(key);
      throw error;
    } finally {
      this.#renewals.delete(key);
    }
  }

  /** Guesses the challenges of an answer without any. */
  async #unspoken(key: string, access: RepositoryAccess): Promise<string | undefined> {
    const grant = this.#grants.get(key);
    if (grant === undefined) return await this.#base.of(access);
    return this.#vain.has(grant) ? undefined : grant.challenges;
  }

  #renewedInVain(key: string, field: string): void {
    const grant = this.#grants.get(key);
    // What does not expire comes from the credentials, which somebody may have corrected meanwhile.
    if (grant?.field === field && grant.expiresAtMs !== Infinity) this.#vain.add(grant);
  }

  /** Gets a new grant for the challenges; `undefined` where there is nothing new to offer. */
  async #ask(access: RepositoryAccess, challenges: string, refused: Refused): Promise<Grant | undefined> {
    const offered = parseChallenges(challenges);
    const { endpoint, repository } = access;
    const credentials = this.#mayHaveCredentials(access)
      ? await this.#options.credentials(endpoint.host, repository)
      : undefined;
    const bearer = offered.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.has('realm'));
    if (bearer !== undefined) {
      const isSpoken = refused.challenges !== undefined;
      const token = await this.#token(bearer, access, credentials, isSpoken);
      return token && { ...token, challenges };
    }
    const isBasic = offered.some(({ scheme }) => scheme === 'basic');
    if (!isBasic) return undefined;
    if (credentials === undefined) return await this.#refuseWithheld(access);
    if (credentials.identityToken !== undefined) return undefined;
    const basic = basicField(credentials);
    if (basic === refused.field) return undefined;
    return { field: basic, expiresAtMs: Infinity, origin: credentials.origin, challenges };
  }

  /** Plain HTTP shows credentials to everybody on the way: no wish can ask for it, the operator allows it. */
  #mayHaveCredentials({ endpoint }: RepositoryAccess): boolean {
    return mayHaveCredentials(baseUrl(endpoint), this.#options.servers);
  }

  /** @throws Failure `unauthorized` where there are credentials that the endpoint must not have */
  async #refuseWithheld(access: RepositoryAccess): Promise<undefined> {
    if (this.#mayHaveCredentials(access)) return;
    const { endpoint, repository, reference } = access;
    const credentials = await this.#options.credentials(endpoint.host, repository);
    if (credentials !== undefined) throw withheld(endpoint.host, reference, credentials);
  }

  /** `undefined` where somebody without credentials gets no token, and the answer itself asked for none. */
  async #token(
    bearer: Challenge,
    access: RepositoryAccess,
    credentials: Credentials | undefined,
    isSpoken: boolean,
  ): Promise<Omit<Grant, 'challenges'> | undefined> {
    const { reference } = access;
    const url = tokenUrl(bearer, access);
    if (credentials !== undefined && !mayHaveCredentials(url, this.#options.servers))
      throw withheld(url.host, reference, credentials);
    const askedAtMs = performance.now();
    try {
      const request = { url, reference, ...proofOf(credentials) };
      const { token, lifetimeS } = await fetchToken(this.#transport, request);
      const expiresAtMs = askedAtMs + lifetimeS * 1000;
      return { field: `Bearer ${token}`, expiresAtMs, origin: credentials?.origin };
    } catch (error) {
      if (credentials !== undefined && isFailure(error, 'unauthorized')) throw refusal(access, credentials);
      if (credentials !== undefined || !isFailure(error, 'unauthorized', 'forbidden')) throw error;
      await this.#refuseWithheld(access);
      if (isSpoken) throw error;
      return undefined;
    }
  }
}

/** The user's proof for a token service. */
function proofOf(
  credentials: Credentials | undefined,
): Pick<TokenRequest, 'authorization' | 'identityToken'> {
  if (credentials === undefined) return {};
  const { identityToken } = credentials;
  if (identityToken !== undefined) return { identityToken };
  const field = basicField(credentials);
  return {
    authorization: {
      current: () => field,
      renew: async () => await Promise.resolve(undefined),
      renewedInVain: () => undefined,
      origin: () => credentials.origin,
    },
  };
}

/** @see RFC 7617, section 2 */
function basicField({ user, password }: Credentials): string {
  return `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`;
}

function withheld(host: string, reference: ImageReference, { origin }: Credentials): Failure {
  return new Failure(
    'unauthorized',
    `${host} wants credentials for ${formatReference(reference)}, and those from ${origin} do not go over plain HTTP`,
    {
      hint: `write the image with https://, or let the operator allow it: allow-http: true for ${host} below registries`,
    },
  );
}

function refusal({ endpoint, reference }: RepositoryAccess, { origin }: Credentials): Failure {
  const image = formatReference(reference);
  return new Failure(
    'unauthorized',
    `the registry ${endpoint.host} answered 401 for ${image}: it refuses the credentials from ${origin}`,
    {
      hint: `correct what is in ${origin}, or log in again; nothing is asked for without credentials instead`,
    },
  );
}

/** An administrator may set up access control at any time. */
const MEMORY_MS = 3_600_000;

/**
 * Asks registries at `/v2/` how to log in: some hide private images with 404 or 403 and no challenge. Each is asked once in
 * an hour.
 *
 * @see OCI distribution specification 1.1, "Determining Support"
 */
class BaseChallenges {
  readonly #transport: Transport;
  /** By address; `untilMs` is of `performance.now()`. */
  readonly #answers = new Map<string, { challenges: Promise<string | undefined>; untilMs: number }>();

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** As the field `WWW-Authenticate` has them; `undefined` where the registry wants nothing, or cannot be asked. */
  async of({ endpoint, reference }: RepositoryAccess): Promise<string | undefined> {
    const url = baseUrl(endpoint);
    const known = this.#answers.get(url.href);
    if (known !== undefined && performance.now() < known.untilMs) return await known.challenges;
    const asking = this.#transport.challenges({ url, subject: aboutImage({ kind: 'token', reference }) });
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
