import type { IncomingMessage } from 'node:http';
import type { FaultServer } from './fault-server.ts';

/** What a token service grants, and how. */
export interface TokenServiceOptions {
  /** Where the challenge sends to; by default `/token` of the same server. */
  readonly realm?: string;
  /** The member of the answer that holds the token. */
  readonly member?: 'token' | 'access_token';
  readonly expiresInS?: number;
  /** `Basic …` that a token is given for; anybody gets one without. */
  readonly basic?: string;
}

/** Lets a fault server ask for tokens, and give them out itself. */
export class TokenService {
  readonly #valid = new Set<string>();
  readonly #options: TokenServiceOptions;
  #given = 0;

  constructor(server: FaultServer, options: TokenServiceOptions = {}) {
    this.#options = options;
    const realm = options.realm ?? `http://${server.host}/token`;
    server.guard = (request, response) => {
      if (request.url?.startsWith('/token') === true) {
        const answer = this.#grant(request);
        response.writeHead(answer === undefined ? 401 : 200).end(answer);
        return true;
      }
      if (this.#valid.has(request.headers.authorization ?? '')) return false;
      const [, repository = ''] = /^\/v2\/(.+)\/(?:blobs|manifests|tags)\//.exec(request.url ?? '') ?? [];
      const scope = `repository:${repository}:pull,push`;
      const challenge = `Bearer realm="${realm}",service="the \\"service\\"",scope="${scope}",error="x"`;
      response.writeHead(401, { 'www-authenticate': ['Negotiate', challenge] }).end();
      return true;
    };
  }

  /** All tokens so far are refused from now on. */
  revoke(): void {
    this.#valid.clear();
  }

  #grant(request: IncomingMessage): string | undefined {
    const { basic, member = 'token', expiresInS } = this.#options;
    if (basic !== undefined && request.headers.authorization !== basic) return undefined;
    this.#given += 1;
    const token = `secret-token-${this.#given}`;
    this.#valid.add(`Bearer ${token}`);
    return JSON.stringify({
      [member]: token,
      ...(expiresInS === undefined ? {} : { expires_in: expiresInS }),
    });
  }
}
