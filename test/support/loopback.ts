import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { createServer, type Server as NetServer } from 'node:net';

/** Ports below those that the system gives to whoever asks for any: `net.ipv4.ip_local_port_range`. */
const [FIRST_PORT, END_PORT] = [10_240, 32_768];

/**
 * Starts `server` on a free port of 127.0.0.1. Once it is closed, nobody else gets that port by chance: nothing answers
 * there, and it can be opened again.
 */
export async function listen(server: NetServer): Promise<void> {
  for (;;) {
    try {
      await listenOn(server, randomInt(FIRST_PORT, END_PORT));
      return;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
    }
  }
}

/** Starts `server` on a port where {@link listen} or {@link freePort} was before. */
export async function listenOn(server: NetServer, port: number): Promise<void> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
}

/** A port of 127.0.0.1 where nothing listens. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await listen(server);
  const port = Number(hostOf(server).split(':')[1]);
  server.close();
  await once(server, 'close');
  return port;
}

/** `127.0.0.1:PORT` of a server that listens. */
export function hostOf(server: NetServer): string {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen');
  return `127.0.0.1:${address.port}`;
}

/** Ends the server and all its connections. */
export async function stop(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
