import { Failure, isFailure } from '../../../wishlist/failure.ts';
import { formatReference } from '../../../wishlist/reference/reference.ts';
import { BaseChallenges } from './base-challenges.ts';
import { parseChallenges, type Challenge } from './challenge.ts';
import type { Credentials, CredentialsOf } from './credentials.ts';
import type { Access } from '../route.ts';
import { fetchToken, tokenUrl, type TokenRequest } from './token.ts';
import type { Authorization, Refused, Transport } from '../http/transport.ts';

interface Grant {
  /** The value of the `Authorization` field. */
  readonly field: string;
  /** Of `performance.now()`; `Infinity` where it does not. */
  readonly expiresAtMs: number;
  /** Where the credentials were found; `undefined` for anonymous access. */
  readonly origin: string | undefined;
  /** What it was given for. */
  readonly challenges: string;
}

/**
 * Anonymous access, Basic, and the tokens of the distribution specification. Credentials that are refused are not
 * given up for anonymous access. What was granted is kept for each repository of each place until it expires.
 *
 * Nothing is offered but what a challenge of the registry's own asks for: that of the answer, of an earlier one for the
 * same repository, or of `/v2/`. A token that is refused without a word is replaced once.
 *
 * @see https://distribution.github.io/distribution/spec/auth/token/
 */
export class Authentication {
  readonly #transport: Transport;
  readonly #credentials: CredentialsOf;
  readonly #base: BaseChallenges;
  readonly #grants = new Map<string, Grant>();
  /** New tokens that were refused without a word like those before: a further one would be too. */
  readonly #vain = new WeakSet<Grant>();
  readonly #renewals = new Map<string, Promise<Grant | undefined>>();

  constructor(transport: Transport, credentials: CredentialsOf) {
    this.#transport = transport;
    this.#credentials = credentials;
    this.#base = new BaseChallenges(transport);
  }

  for(access: Access): Authorization {
    const { place, repository, reference } = access;
    // What is granted to a wish for plain HTTP must not go over plain HTTP for the others.
    const key = `${reference.scheme} ${place.scheme}://${place.host} ${repository}`;
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

  async #renew(key: string, access: Access, refused: Refused): Promise<string | undefined> {
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

  /** Those who are refused at the same time share one renewal. */
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

  /** What an answer without challenges may have wanted. */
  async #unspoken(key: string, access: Access): Promise<string | undefined> {
    const grant = this.#grants.get(key);
    if (grant === undefined) return await this.#base.of(access);
    return this.#vain.has(grant) ? undefined : grant.challenges;
  }

  #renewedInVain(key: string, field: string): void {
    const grant = this.#grants.get(key);
    // What does not expire comes from the credentials, which somebody may have corrected meanwhile.
    if (grant?.field === field && grant.expiresAtMs !== Infinity) this.#vain.add(grant);
  }

  /** What the server wants, as far as we can give it anew; `undefined` where we cannot. */
  async #ask(access: Access, challenges: string, refused: Refused): Promise<Grant | undefined> {
    const offered = parseChallenges(challenges);
    const credentials = await this.#credentialsFor(access);
    const bearer = offered.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.has('realm'));
    if (bearer !== undefined) {
      const isSpoken = refused.challenges !== undefined;
      const token = await this.#token(bearer, access, { credentials, isSpoken });
      return token && { ...token, challenges };
    }
    const isBasic = offered.some(({ scheme }) => scheme === 'basic');
    if (!isBasic || credentials === undefined || credentials.identityToken !== undefined) return undefined;
    const basic = basicField(credentials);
    if (basic === refused.field) return undefined;
    return { field: basic, expiresAtMs: Infinity, origin: credentials.origin, challenges };
  }

  /** Plain HTTP shows credentials to everybody on the way: the wish itself must ask for it. */
  async #credentialsFor({ place, repository, reference }: Access): Promise<Credentials | undefined> {
    const isAllowed = place.scheme === 'https' || reference.scheme === 'http';
    return isAllowed ? await this.#credentials(place.host, repository) : undefined;
  }

  /** `undefined` where somebody without credentials gets no token, and the answer itself asked for none. */
  async #token(
    bearer: Challenge,
    access: Access,
    { credentials, isSpoken }: { credentials: Credentials | undefined; isSpoken: boolean },
  ): Promise<Omit<Grant, 'challenges'> | undefined> {
    const { reference } = access;
    const url = tokenUrl(bearer, access);
    const askedAtMs = performance.now();
    try {
      const { token, lifetimeS } = await fetchToken(this.#transport, {
        url,
        reference,
        ...proofOf(credentials),
      });
      return {
        field: `Bearer ${token}`,
        expiresAtMs: askedAtMs + lifetimeS * 1000,
        origin: credentials?.origin,
      };
    } catch (error) {
      if (credentials !== undefined && isFailure(error, 'unauthorized')) throw refusal(access, credentials);
      const isPointless = credentials === undefined && !isSpoken;
      if (isPointless && isFailure(error, 'unauthorized', 'forbidden')) return undefined;
      throw error;
    }
  }
}

/** What a token service gets to know the user by. */
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

function refusal({ place, reference }: Access, { origin }: Credentials): Failure {
  const image = formatReference(reference);
  return new Failure(
    'unauthorized',
    `the registry ${place.host} answered 401 for ${image}: it refuses the credentials from ${origin}`,
    {
      hint: `correct what is in ${origin}, or log in again; nothing is asked for without credentials instead`,
    },
  );
}
