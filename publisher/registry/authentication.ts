import { z } from 'zod';
import { Failure } from '../../wishlist/failure.ts';
import type { ImageReference } from '../../wishlist/reference.ts';
import { parseChallenges, type Challenge } from './challenge.ts';
import type { Credentials, CredentialsOf } from './credentials.ts';
import { checkSchema, parseJson } from './json.ts';
import { describeSubject } from './subject.ts';
import type { Authorization, Transport } from './transport.ts';

/** Where and for what a token is asked for. */
interface TokenRequest {
  readonly url: URL;
  readonly basic: string | undefined;
}

interface Grant {
  /** The value of the `Authorization` field. */
  readonly field: string;
  /** Of `performance.now()`. */
  readonly expiresAtMs: number;
}

const LARGEST_TOKEN_BYTES = 1024 * 1024;
const DEFAULT_LIFETIME_S = 60;
const BEARER_TOKEN = /^[\x21-\x7e]+$/;

const tokenSchema = z.object({
  token: z.string().nullish(),
  access_token: z.string().nullish(),
  expires_in: z.number().nonnegative().nullish(),
});

/**
 * Anonymous access, Basic, and the tokens of the distribution specification. Credentials that are refused are not
 * given up for anonymous access. What was granted is kept for each repository of each registry until it expires.
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

  /** For requests that read from the repository of `reference`. */
  for(reference: ImageReference): Authorization {
    const key = `${reference.scheme}://${reference.registry} ${pullScope(reference)}`;
    return {
      current: () => this.#current(key),
      renew: (challenges, refused) => this.#renew(key, { reference, challenges, refused }),
    };
  }

  #current(key: string): string | undefined {
    const grant = this.#grants.get(key);
    if (grant === undefined || performance.now() < grant.expiresAtMs) return grant?.field;
    this.#grants.delete(key);
    return undefined;
  }

  async #renew(key: string, refusal: RefusedRequest): Promise<string | undefined> {
    const current = this.#current(key);
    if (current !== undefined && current !== refusal.refused) return current;
    this.#grants.delete(key);
    const underWay = this.#renewals.get(key);
    const renewal = underWay ?? this.#ask(refusal);
    if (underWay === undefined) this.#renewals.set(key, renewal);
    try {
      const grant = await renewal;
      if (grant !== undefined) this.#grants.set(key, grant);
      return grant?.field;
    } finally {
      if (underWay === undefined) this.#renewals.delete(key);
    }
  }

  /** What the server wants, as far as we can give it; `undefined` where we cannot, or gave it already. */
  async #ask({ reference, challenges, refused }: RefusedRequest): Promise<Grant | undefined> {
    const offered = parseChallenges(challenges);
    const basic = basicField(await this.#credentials(reference.registry));
    const bearer = offered.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.has('realm'));
    if (bearer !== undefined) {
      return await this.#requestToken(reference, { url: tokenUrl(bearer, reference), basic });
    }
    if (basic === undefined || basic === refused) return undefined;
    return offered.some(({ scheme }) => scheme === 'basic')
      ? { field: basic, expiresAtMs: Infinity }
      : undefined;
  }

  async #requestToken(reference: ImageReference, { url, basic }: TokenRequest): Promise<Grant> {
    const subject = { kind: 'token', reference } as const;
    const request = {
      url,
      subject,
      ...(basic === undefined ? {} : { authorization: fixed(basic) }),
    };
    const limit = { bytes: LARGEST_TOKEN_BYTES, code: 'registry-error' } as const;
    const askedAtMs = performance.now();
    const { token, lifetimeS } = await this.#transport.read(request, limit, ({ bytes }) =>
      parseToken(bytes, `the answer of ${url.host} to the request for ${describeSubject(subject)}`),
    );
    return { field: `Bearer ${token}`, expiresAtMs: askedAtMs + lifetimeS * 1000 };
  }
}

interface RefusedRequest {
  readonly reference: ImageReference;
  readonly challenges: string;
  readonly refused: string | undefined;
}

function pullScope(reference: ImageReference): string {
  return `repository:${reference.repository}:pull`;
}

function fixed(field: string): Authorization {
  return { current: () => field, renew: async () => await Promise.resolve(undefined) };
}

function basicField(credentials: Credentials | undefined): string | undefined {
  if (credentials === undefined) return undefined;
  const { user, password } = credentials;
  return `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`;
}

/** @throws Failure `registry-error` where the realm is no address that a password may go to */
function tokenUrl({ parameters }: Challenge, reference: ImageReference): URL {
  const realm = parameters.get('realm') ?? '';
  const url = URL.canParse(realm) ? new URL(realm) : undefined;
  const isAllowed = url?.protocol === 'https:' || (url?.protocol === 'http:' && reference.scheme === 'http');
  if (url === undefined || !isAllowed) {
    const { registry } = reference;
    const subject = describeSubject({ kind: 'token', reference });
    throw new Failure(
      'registry-error',
      `the registry ${registry} names no HTTPS address to get ${subject} from`,
      {
        hint: 'ask whoever runs the registry',
      },
    );
  }
  const service = parameters.get('service');
  if (service !== undefined) url.searchParams.set('service', service);
  const scopes = (parameters.get('scope') ?? pullScope(reference)).split(' ').filter((scope) => scope !== '');
  for (const scope of scopes) url.searchParams.append('scope', scope);
  return url;
}

function parseToken(bytes: Buffer, what: string): { token: string; lifetimeS: number } {
  const name = { what, code: 'registry-error' } as const;
  const answer = checkSchema(tokenSchema, parseJson(bytes, name), name);
  const token = answer.token ?? answer.access_token ?? '';
  if (!BEARER_TOKEN.test(token)) {
    throw new Failure('registry-error', `${what} holds no token`, { hint: 'ask whoever runs the registry' });
  }
  return { token, lifetimeS: answer.expires_in ?? DEFAULT_LIFETIME_S };
}
