import { execFileSync, spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { listen, listenOn } from '../loopback.ts';

export interface GitHttpOptions {
  readonly login?: { readonly user: string; readonly password: string };
  /** PEM */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** Of a port that was used before; any where nothing is said. */
  readonly port?: number;
  /** Answers in place of git: `true` where it did. */
  readonly intercept?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** All repositories below a folder, served by git's own CGI program. */
export class GitHttpServer {
  readonly url: string;
  readonly port: number;
  /** The Authorization header fields of all requests. */
  readonly authorizations: (string | undefined)[];
  readonly #close: () => Promise<void>;

  private constructor(url: string, port: number, rest: Pick<GitHttpServer, 'authorizations' | 'close'>) {
    this.url = url;
    this.port = port;
    this.authorizations = rest.authorizations;
    this.#close = rest.close;
  }

  static async start(root: string, options: GitHttpOptions = {}): Promise<GitHttpServer> {
    const authorizations: (string | undefined)[] = [];
    const listener: RequestListener = (request, response) => {
      authorizations.push(request.headers.authorization);
      if (options.intercept?.(request, response) === true) return;
      if (isAllowed(request, options)) runBackend(root, request, response);
      else response.writeHead(401, { 'www-authenticate': 'Basic realm="a test"' }).end();
    };
    const { tls } = options;
    const server =
      tls === undefined
        ? createServer(listener)
        : createTlsServer({ cert: tls.certificate, key: tls.key }, listener);
    await (options.port === undefined ? listen(server) : listenOn(server, options.port));
    const { port } = server.address() as AddressInfo;
    const close = async (): Promise<void> => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    };
    const url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
    return new GitHttpServer(url, port, { authorizations, close });
  }

  async close(): Promise<void> {
    await this.#close();
  }
}

function isAllowed({ headers }: IncomingMessage, { login }: GitHttpOptions): boolean {
  if (login === undefined) return true;
  const expected = Buffer.from(`${login.user}:${login.password}`).toString('base64');
  return headers.authorization === `Basic ${expected}`;
}

/** @see RFC 3875, sections 4.1 and 6 */
function runBackend(root: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url ?? '/', 'http://server');
  const backend = spawn(backendPath(), [], {
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_NOSYSTEM: '1',
      PATH_INFO: decodeURIComponent(pathname),
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  backend.stdin.on('error', () => undefined);
  request.pipe(backend.stdin);
  const chunks: Buffer[] = [];
  backend.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  backend.once('close', () => {
    const output = Buffer.concat(chunks);
    const end = output.indexOf('\r\n\r\n');
    const fields = output.subarray(0, Math.max(0, end)).toString('latin1').split('\r\n');
    let status = 200;
    for (const field of fields) {
      const [, name = '', value = ''] = /^([^:]+): *(.*)$/.exec(field) ?? [];
      if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10);
      else if (name !== '') response.setHeader(name, value);
    }
    response.writeHead(status).end(output.subarray(end + 4));
  });
}

/** It is no program on the PATH. */
function backendPath(): string {
  return join(execFileSync('git', ['--exec-path'], { encoding: 'utf8' }).trim(), 'git-http-backend');
}
