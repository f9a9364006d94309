import { createPrivateKey, randomUUID, sign, X509Certificate, type KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Credentials } from '../../../publisher/registry/options.ts';
import { CertificateAuthority, type IssuedCertificate } from './certificates.ts';
import { hostOf, listen, stop } from '../loopback.ts';
import type { TokenAuth } from './docker-registry.ts';

/** A request that arrived, with the query of a GET or the form of a POST. */
export interface SeenTokenRequest {
  readonly method: string;
  readonly parameters: URLSearchParams;
  readonly authorization: string | undefined;
}

/** What a token allows, as it stands in the token. */
interface Access {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

interface Answer {
  readonly status: number;
  readonly body: object;
}

const SERVICE = 'the "test" registry';
const ISSUER = 'a test';
const READER = 'reader';
const LIFETIME_S = 300;
const SCOPE = /^([a-z]+):(.+):([a-z*,]*)$/;

/**
 * Gives out tokens that docker-registry accepts. Anybody may pull `public/…`; its one user, by password or identity
 * token, may pull everything; nobody may push. Needs `openssl`.
 *
 * @see https://distribution.github.io/distribution/spec/auth/token/, jwt/ and oauth/
 */
export class TokenServer {
  readonly requests: SeenTokenRequest[] = [];
  /** For the registry. */
  readonly auth: TokenAuth;
  /** User and password, for Basic. */
  readonly credentials: Credentials;
  /** The same user, as tools store it after a log-in by OAuth 2: to be exchanged by POST. */
  readonly identity: Credentials & { readonly identityToken: string };
  /**
   * What new tokens have left, in seconds. Their answers go on to promise 300 s. docker-registry tolerates 60 s more,
   * so what is to have expired needs less than -60.
   */
  lifetimeS = LIFETIME_S;
  readonly #server: Server;
  readonly #key: KeyObject;
  /** As the header `x5c` has it. */
  readonly #certificate: string;

  private constructor(server: Server, authority: CertificateAuthority, signer: IssuedCertificate) {
    this.#server = server;
    this.#key = createPrivateKey(signer.key);
    this.#certificate = new X509Certificate(signer.certificate).raw.toString('base64');
    const realm = `http://${hostOf(server)}/token`;
    const rootcertbundle = authority.certificateFile;
    this.auth = { token: { realm, service: SERVICE, issuer: ISSUER, rootcertbundle } };
    const user = { user: READER, password: `pässword-${randomUUID()}`, origin: 'a test' };
    this.credentials = user;
    this.identity = { ...user, user: '<token>', password: '', identityToken: `identity-${randomUUID()}` };
  }

  static async start(): Promise<TokenServer> {
    const authority = await CertificateAuthority.create();
    const signer = await authority.issue({ purpose: 'signer' });
    const server = createServer();
    await listen(server);
    const started = new TokenServer(server, authority, signer);
    server.on('request', (request, response) => {
      // A client may go away in the middle; nobody is left to be told.
      started.#answer(request, response).catch(() => response.destroy());
    });
    return started;
  }

  async close(): Promise<void> {
    await stop(this.#server);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', headers } = request;
    const url = new URL(request.url ?? '', `http://${hostOf(this.#server)}`);
    const form = await text(request);
    const parameters = method === 'POST' ? new URLSearchParams(form) : url.searchParams;
    const seen = { method, parameters, authorization: headers.authorization };
    this.requests.push(seen);
    const { status, body } = url.pathname === '/token' ? this.#decide(seen) : refused(404, 'not_found');
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }

  #decide(request: SeenTokenRequest): Answer {
    if (request.method !== 'GET' && request.method !== 'POST') return refused(405, 'invalid_request');
    if (request.parameters.get('service') !== SERVICE) return refused(400, 'invalid_request');
    return request.method === 'POST' ? this.#exchange(request) : this.#grant(request);
  }

  /** @see "Token Authentication Specification", "Requesting a Token" */
  #grant({ parameters, authorization }: SeenTokenRequest): Answer {
    const { user, password } = this.credentials;
    const basic = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    if (authorization !== undefined && authorization !== basic) return refused(401, 'unauthorized');
    const subject = authorization === undefined ? '' : user;
    const scopes = parameters.getAll('scope').flatMap((scope) => scope.split(' '));
    const token = this.#sign(subject, scopes);
    return { status: 200, body: { token, expires_in: LIFETIME_S, issued_at: new Date().toISOString() } };
  }

  /** @see "Docker Registry v2 authentication using OAuth2", "Refresh Token Format"; RFC 6749, section 6 */
  #exchange({ parameters }: SeenTokenRequest): Answer {
    if ((parameters.get('client_id') ?? '') === '') return refused(400, 'invalid_request');
    if (parameters.get('grant_type') !== 'refresh_token') return refused(400, 'unsupported_grant_type');
    if (parameters.get('refresh_token') !== this.identity.identityToken) return refused(401, 'invalid_grant');
    const scope = parameters.get('scope') ?? '';
    const accessToken = this.#sign(this.credentials.user, scope.split(' '));
    return { status: 200, body: { access_token: accessToken, scope, expires_in: LIFETIME_S } };
  }

  /** @see "Token Authentication Implementation", "JSON Web Token Format" */
  #sign(subject: string, scopes: readonly string[]): string {
    const nowS = Math.floor(Date.now() / 1000);
    const header = { typ: 'JWT', alg: 'ES256', x5c: [this.#certificate] };
    const claims = {
      iss: ISSUER,
      sub: subject,
      aud: SERVICE,
      exp: nowS + this.lifetimeS,
      nbf: nowS + Math.min(0, this.lifetimeS),
      iat: nowS,
      jti: randomUUID(),
      access: scopes.flatMap((scope) => accessTo(scope, subject)),
    };
    const signed = [header, claims].map((part) => encode(JSON.stringify(part))).join('.');
    const signature = sign('sha256', Buffer.from(signed), { key: this.#key, dsaEncoding: 'ieee-p1363' });
    return `${signed}.${encode(signature)}`;
  }
}

/** What is granted of one scope, such as `repository:lab/tool:pull`: not always all of it. */
function accessTo(scope: string, subject: string): Access[] {
  const [, type, name = '', actions = ''] = SCOPE.exec(scope) ?? [];
  const isAllowed = subject !== '' || name.startsWith('public/');
  if (type !== 'repository' || !isAllowed) return [];
  return [{ type, name, actions: actions.split(',').filter((action) => action === 'pull') }];
}

function refused(status: number, error: string): Answer {
  return { status, body: { error } };
}

function encode(bytes: string | Buffer): string {
  return Buffer.from(bytes).toString('base64url');
}
