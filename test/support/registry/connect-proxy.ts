import { once } from 'node:events';
import {
  createServer,
  request as askServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import { connect } from 'node:net';
import { hostOf, listen } from '../loopback.ts';
import type { Duplex } from 'node:stream';

/**
 * A proxy on a free port of 127.0.0.1 for CONNECT and for plain HTTP, which records who wants to go where. Whatever the
 * name is, it goes to 127.0.0.1: clients ask no proxy for that address itself.
 */
export class ConnectProxy {
  /** `CONNECT HOST:PORT` or `GET http://…`, in order. */
  readonly seen: string[] = [];
  /** The fields `Proxy-Authorization` of the same requests. */
  readonly authorizations: (string | undefined)[] = [];
  /** Answers each request with this status where it is set; 0 for no answer at all. */
  refusal: number | undefined;
  readonly #server: Server;
  readonly #open = new Set<Duplex>();

  private constructor(tls: ServerOptions | undefined) {
    this.#server = tls === undefined ? createServer() : createTlsServer(tls);
    this.#server.on('connection', (socket: Duplex) => this.#keep(socket));
    this.#server.on('connect', (request: IncomingMessage, socket: Duplex) => this.#connect(request, socket));
    this.#server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#forward(request, response);
    });
  }

  /** Is itself spoken to in plain text where `tls` is left out. */
  static async start(tls?: ServerOptions): Promise<ConnectProxy> {
    const started = new ConnectProxy(tls);
    await listen(started.#server);
    return started;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
    await closed;
  }

  get host(): string {
    return hostOf(this.#server);
  }

  #connect(request: IncomingMessage, socket: Duplex): void {
    this.#record(request);
    if (this.refusal === 0) return;
    if (this.refusal !== undefined) {
      socket.end(`HTTP/1.1 ${this.refusal} Refused\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const { port } = new URL(`http://${request.url}`);
    const server = connect(Number(port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(server).pipe(socket);
    });
    this.#keep(server);
    server.on('close', () => socket.destroy());
    socket.on('close', () => server.destroy());
  }

  #forward(request: IncomingMessage, response: ServerResponse): void {
    this.#record(request);
    if (this.refusal === 0) return;
    if (this.refusal !== undefined) {
      response.writeHead(this.refusal).end();
      return;
    }
    const { 'proxy-authorization': _authorization, ...headers } = request.headers;
    const { port, pathname, search } = new URL(request.url ?? '');
    const target = { host: '127.0.0.1', port, path: `${pathname}${search}`, method: request.method, headers };
    const forwarded = askServer(target, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    forwarded.on('error', () => response.destroy());
    request.pipe(forwarded);
  }

  #record({ method, url, headers }: IncomingMessage): void {
    this.seen.push(`${method} ${url}`);
    this.authorizations.push(headers['proxy-authorization']);
  }

  #keep(socket: Duplex): void {
    this.#open.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => this.#open.delete(socket));
  }
}
