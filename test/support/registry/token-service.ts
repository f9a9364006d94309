import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
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
  /** The identity token that a token is given for, by POST alone. */
  readonly identityToken?: string;
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
        if (options.identityToken === undefined) this.#answer(response, this.#isKnown(request));
        else void this.#isExchange(request).then((isExchange) => this.#answer(response, isExchange));
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

  #answer(response: ServerResponse, isGranted: boolean): void {
    response.writeHead(isGranted ? 200 : 401).end(isGranted ? this.#grant() : undefined);
  }

  #isKnown({ headers: { authorization } }: IncomingMessage): boolean {
    const { basic } = this.#options;
    return basic === undefined || authorization === basic;
  }

  async #isExchange(request: IncomingMessage): Promise<boolean> {
    const form = new URLSearchParams(await text(request));
    const { identityToken } = this.#options;
    return form.get('grant_type') === 'refresh_token' && form.get('refresh_token') === identityToken;
  }

  #grant(): string {
    const { member = 'token', expiresInS } = this.#options;
    this.#given += 1;
    const token = `secret-token-${this.#given}`;
    this.#valid.add(`Bearer ${token}`);
    return JSON.stringify({
      [member]: token,
      ...(expiresInS === undefined ? {} : { expires_in: expiresInS }),
    });
  }
}
