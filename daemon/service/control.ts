import { chmodSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { codeOf } from '../../core/system-error.ts';

/** Where the daemon of a state directory listens. */
export function controlSocket(stateDirectory: string): string {
  return join(stateDirectory, 'control.sock');
}

/** What the daemon does for commands that run beside it. */
export interface Controls {
  /** What goes on now: a JSON document. */
  readonly activity: () => unknown;
  /** Looks at everything at once, also at what commands have changed in the state. */
  readonly wake: () => void;
}

/**
 * Listens for commands on a socket in the state directory: whoever may write there may ask.
 * HTTP (RFC 9110): `GET /activity`, `POST /wake`.
 */
export class ControlServer {
  readonly #server: Server;
  readonly #path: string;

  private constructor(server: Server, path: string) {
    this.#server = server;
    this.#path = path;
  }

  /** @returns the reason where it cannot listen, such as a path that is too long for a socket */
  static async start(path: string, controls: Controls): Promise<ControlServer | string> {
    const server = createServer((request, response) => answer(request, response, controls));
    server.requestTimeout = 10_000;
    try {
      // The state is locked: it is what an earlier daemon left.
      rmSync(path, { force: true });
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject).listen(path, resolve);
      });
      chmodSync(path, 0o600);
      return new ControlServer(server, path);
    } catch (error) {
      const code = codeOf(error);
      if (code === undefined) throw error;
      return code;
    }
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    rmSync(this.#path, { force: true });
  }
}

function answer(request: IncomingMessage, response: ServerResponse, controls: Controls): void {
  request.resume();
  switch (`${request.method} ${request.url}`) {
    case 'GET /activity':
      response.setHeader('content-type', 'application/json').end(JSON.stringify(controls.activity()));
      return;
    case 'POST /wake':
      controls.wake();
      response.writeHead(204).end();
      return;
    default:
      response.writeHead(404).end();
  }
}
