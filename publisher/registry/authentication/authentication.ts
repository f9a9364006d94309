import { Failure, isFailure } from '../../../wishlist/failure.ts';
import { formatReference } from '../../../wishlist/reference/reference.ts';
import { parseChallenges, type Challenge } from './challenge.ts';
import type { Credentials, CredentialsOf } from './credentials.ts';
import type { Access } from '../route.ts';
import { fetchToken, tokenUrl, type TokenRequest } from './token.ts';
import type { Authorization, Transport } from '../http/transport.ts';

interface Grant {
  /** The value of the `Authorization` field. */
  readonly field: string;
  /** Of `performance.now()`. */
  readonly expiresAtMs: number;
  /** Where the credentials were found; `undefined` for anonymous access. */
  readonly origin: string | undefined;
}

/** A 401, and what was sent to get it. */
interface Refused {
  readonly challenges: string;
  readonly field: string | undefined;
}

/**
 * Anonymous access, Basic, and the tokens of the distribution specification. Credentials that are refused are not
 * given up for anonymous access. What was granted is kept for each repository of each place until it expires.
 *
 * @see https://distribution.github.io/distribution/spec/auth/token/
 */
export class Authentication {
  readonly #transport: Transport;
  readonly #credentials: CredentialsOf;
  readonly #grants = new Map<string, Grant>();
  readonly #renewals = new Map<string, Promise<Grant | undefined>>();

  constructor(transport: Transport, credentials: CredentialsOf) {
    this.#transport = transport;
    this.#credentials = credentials;
  }

  for(access: Access): Authorization {
    const { place, repository, reference } = access;
    // What is granted to a wish for plain HTTP must not go over plain HTTP for the others.
    const key = `${reference.scheme} ${place.scheme}://${place.host} ${repository}`;
    return {
      current: () => this.#current(key),
      origin: () => this.#grants.get(key)?.origin,
      renew: async (challenges, field) => await this.#renew(key, access, { challenges, field }),
    };
  }

  #current(key: string): string | undefined {
    const grant = this.#grants.get(key);
    if (grant === undefined || performance.now() < grant.expiresAtMs) return grant?.field;
    this.#grants.delete(key);
    return undefined;
  }

  /** Those who are refused at the same time share one renewal. */
  async #renew(key: string, access: Access, refused: Refused): Promise<string | undefined> {
    const current = this.#current(key);
    if (current !== undefined && current !== refused.field) return current;
    this.#grants.delete(key);
    const underWay = this.#renewals.get(key);
    const renewal = underWay ?? this.#ask(access, refused);
    if (underWay === undefined) this.#renewals.set(key, renewal);
    try {
      const grant = await renewal;
      if (grant !== undefined) this.#grants.set(key, grant);
      return grant?.field;
    } finally {
      if (underWay === undefined) this.#renewals.delete(key);
    }
  }

  /** What the server wants, as far as we can give it; `undefined` where we cannot. */
  async #ask(access: Access, { challenges, field }: Refused): Promise<Grant | undefined> {
    const offered = parseChallenges(challenges);
    const credentials = await this.#credentialsFor(access);
    const bearer = offered.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.has('realm'));
    if (bearer !== undefined) return await this.#token(bearer, access, credentials);
    const isBasic = offered.some(({ scheme }) => scheme === 'basic');
    if (!isBasic || credentials === undefined || credentials.identityToken !== undefined) return undefined;
    const basic = basicField(credentials);
    if (basic === field) throw refusal(access, credentials);
    return { field: basic, expiresAtMs: Infinity, origin: credentials.origin };
  }

  /** Plain HTTP shows credentials to everybody on the way: the wish itself must ask for it. */
  async #credentialsFor({ place, reference }: Access): Promise<Credentials | undefined> {
    const isAllowed = place.scheme === 'https' || reference.scheme === 'http';
    return isAllowed ? await this.#credentials(place.host) : undefined;
  }

  async #token(bearer: Challenge, access: Access, credentials: Credentials | undefined): Promise<Grant> {
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
