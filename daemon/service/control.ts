import { accessSync, chmodSync, constants, rmSync } from 'node:fs';
import { type IncomingMessage, type ServerResponse, createServer, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { codeOf, hasCode } from '../../core/system-error.ts';
import type { DaemonActivity } from './activity-schema.ts';

/** Node 20 cuts a longer path off, and listens there: unix(7). */
const MOST_PATH_BYTES = 107;

/** Socket of the daemon of a state directory. */
export function controlSocket(stateDirectory: string): string {
  return join(stateDirectory, 'control.sock');
}

/** Services of the daemon for commands that run beside it. */
export interface Controls {
  readonly activity: () => DaemonActivity;
  /** Starts a cycle now and rereads the state. */
  readonly wake: () => void;
}

/**
 * Serves commands on a socket in the state directory, to users who may write there. HTTP (RFC 9110): `GET
 * /activity`, `POST /wake`.
 *
 * @returns the error code if it cannot listen, such as for a path that is too long for a socket
 */
export async function startControl(
  path: string,
  controls: Controls,
): Promise<{ readonly close: () => Promise<void> } | string> {
  if (Buffer.byteLength(path) > MOST_PATH_BYTES) return 'ENAMETOOLONG';
  const server = createServer((asked, response) => respond(asked, response, controls));
  server.requestTimeout = 10_000;
  try {
    // The state is locked, so an earlier daemon left it.
    rmSync(path, { force: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(path, resolve);
    });
    chmodSync(path, 0o600);
    return { close };
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    return code;
  }

  async function close(): Promise<void> {
    server.closeAllConnections();
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    rmSync(path, { force: true });
  }
}

function respond(asked: IncomingMessage, response: ServerResponse, controls: Controls): void {
  asked.resume();
  switch (`${asked.method} ${asked.url}`) {
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

const TIME_LIMIT_MS = 5000;

/** Activity of the daemon of the state directory; `undefined` if none answers. */
export async function askActivity(stateDirectory: string): Promise<DaemonActivity | undefined> {
  const body = await ask(stateDirectory, 'GET', '/activity');
  if (body === undefined) return undefined;
  const { activitySchema } = await import('./activity-schema.ts');
  // The daemon may be of another version.
  return activitySchema.parse(JSON.parse(body));
}

/** Starts a cycle of the daemon of the state directory now. @returns false if none answers */
export async function wakeDaemon(stateDirectory: string): Promise<boolean> {
  return (await ask(stateDirectory, 'POST', '/wake')) !== undefined;
}

/** Checks the permissions of the socket; true also if there is none. */
export function mayAskDaemon(stateDirectory: string): boolean {
  try {
    accessSync(controlSocket(stateDirectory), constants.W_OK);
    return true;
  } catch (error) {
    return !hasCode(error, 'EACCES');
  }
}

/** @returns the body; `undefined` if there is no socket, nobody listens on it any more, or this user may not use it */
async function ask(
  stateDirectory: string,
  method: 'GET' | 'POST',
  path: string,
): Promise<string | undefined> {
  const socketPath = controlSocket(stateDirectory);
  const signal = AbortSignal.timeout(TIME_LIMIT_MS);
  try {
    return await new Promise<string | undefined>((resolve, reject) => {
      request({ socketPath, method, path, signal, agent: false }, (response) => {
        const isFine = (response.statusCode ?? 500) < 300;
        text(response).then((body) => resolve(isFine ? body : undefined), reject);
      })
        .once('error', reject)
        .end();
    });
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return undefined;
  }
}
