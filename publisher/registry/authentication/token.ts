import { z } from 'zod';
import { Failure } from '../../../core/failure.ts';
import { type ImageReference, describeSubject } from '../../../core/oci/reference.ts';
import type { Challenge } from './challenge.ts';
import { checkSchema, parseJson } from '../../../core/json.ts';
import type { RepositoryAccess } from '../endpoint.ts';
import type { Authorization, Document, Transport } from '../../../core/http/transport.ts';
import { aboutImage, registryError } from '../error-response.ts';

export interface TokenRequest {
  /** With service and scopes. */
  readonly url: URL;
  readonly reference: ImageReference;
  /** Basic; anonymous without. */
  readonly authorization?: Authorization;
  /** Is exchanged for the token, where it is there. */
  readonly identityToken?: string | undefined;
}

interface Token {
  readonly token: string;
  readonly lifetimeS: number;
}

const LARGEST_TOKEN_BYTES = 1024 * 1024;
const DEFAULT_LIFETIME_S = 60;
const BEARER_TOKEN = /^[\x21-\x7e]+$/;
const CLIENT_ID = 'unpackd';

const answerSchema = z.object({
  token: z.string().nullish(),
  access_token: z.string().nullish(),
  expires_in: z.number().nonnegative().nullish(),
});

/**
 * The address of the token service that a challenge for `access` names. The default scope is pulling from the repository.
 *
 * @throws Failure `registry-error` where the realm is no address, or plain HTTP and the endpoint that names it has HTTPS
 */
export function tokenUrl(
  { parameters }: Challenge,
  { endpoint, repository, reference }: RepositoryAccess,
): URL {
  const url = realmOf(parameters.get('realm') ?? '', endpoint.scheme === 'http');
  if (url === undefined) {
    const subject = describeSubject({ kind: 'token', reference });
    throw registryError(`the registry ${endpoint.host} names no HTTPS address to get ${subject} from`);
  }
  const service = parameters.get('service');
  if (service !== undefined) url.searchParams.set('service', service);
  const scopes = (parameters.get('scope') ?? `repository:${repository}:pull`)
    .split(' ')
    .filter((name) => name !== '');
  for (const name of scopes) url.searchParams.append('scope', name);
  return url;
}

function realmOf(text: string, isPlainAllowed: boolean): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isAllowed = url?.protocol === 'https:' || (url?.protocol === 'http:' && isPlainAllowed);
  return isAllowed ? url : undefined;
}

/**
 * Asks a token service: with GET, or with POST for an identity token.
 *
 * @see https://distribution.github.io/distribution/spec/auth/token/ and …/oauth/
 * @throws Failure of the transport; `registry-error` for an answer without a token; `unauthorized` also for an identity
 *   token that is not valid any more
 */
export async function fetchToken(transport: Transport, request: TokenRequest): Promise<Token> {
  const { url, reference, identityToken, authorization } = request;
  const image = { kind: 'token', reference } as const;
  const subject = aboutImage(image);
  const limit = { bytes: LARGEST_TOKEN_BYTES, code: 'registry-error' } as const;
  const what = `the answer of ${url.host} to the request for ${describeSubject(image)}`;
  const exchange =
    identityToken === undefined
      ? { url, subject, ...(authorization && { authorization }) }
      : { ...exchangeOf(url, identityToken), subject, accepts: [400] };
  return await transport.read(exchange, limit, (answer) => {
    if (answer.status === 400) throw refusedExchange(answer, what);
    return parseToken(answer.bytes, what);
  });
}

/** Service and scopes move from the address into the form: scopes as one list. */
function exchangeOf(url: URL, identityToken: string): { url: URL; method: 'POST'; form: string } {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: CLIENT_ID,
    refresh_token: identityToken,
    service: url.searchParams.get('service') ?? '',
    scope: url.searchParams.getAll('scope').join(' '),
  });
  const address = new URL(url);
  address.searchParams.delete('service');
  address.searchParams.delete('scope');
  return { url: address, method: 'POST', form: form.toString() };
}

/** @see RFC 6749, section 5.2 */
function refusedExchange({ bytes }: Document, what: string): Failure {
  const isInvalid = /"error"\s*:\s*"invalid_(?:grant|client)"/.test(bytes.toString('utf8'));
  return isInvalid
    ? new Failure('unauthorized', `${what} is 400: it refuses the identity token`, { hint: 'log in again' })
    : registryError(`${what} is 400`);
}

function parseToken(bytes: Buffer, what: string): Token {
  const name = { what, code: 'registry-error' } as const;
  const answer = checkSchema(answerSchema, parseJson(bytes, name), name);
  const token = answer.token ?? answer.access_token ?? '';
  if (!BEARER_TOKEN.test(token)) throw registryError(`${what} holds no token`);
  return { token, lifetimeS: answer.expires_in ?? DEFAULT_LIFETIME_S };
}
