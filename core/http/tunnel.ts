import { Socket } from 'node:net';
import { Pool, type buildConnector } from 'undici';
import { proxyAuthorizationOf } from './proxies.ts';
import { ProxyError } from './proxy-error.ts';

type Connector = buildConnector.connector;

/** Connections to a proxy; their errors are {@link ProxyError}s. */
export function proxyPool(proxy: URL, connect: Connector, timeoutMs: number): Pool {
  return new Pool(proxy.origin, {
    headersTimeout: timeoutMs,
    connect: (options, callback) => {
      // undici would expect the certificate of what the request is for.
      connect({ ...options, servername: '' }, (error, socket) => {
        if (error === null) callback(null, socket);
        else callback(new ProxyError(proxy.host, { cause: error }), null);
      });
    },
  });
}

/**
 * Connects to servers with TLS through a proxy: `secure` speaks TLS with the server itself.
 *
 * @see RFC 9110, section 9.3.6
 */
export function tunnelThrough(proxy: URL, pool: Pool, secure: Connector): Connector {
  const connect = async (...[options, callback]: Parameters<Connector>): Promise<void> => {
    let httpSocket: Socket;
    try {
      httpSocket = await openTunnel(proxy, pool, targetOf(options));
    } catch (error) {
      const known = error instanceof ProxyError ? error : new ProxyError(proxy.host, { cause: error });
      callback(known, null);
      return;
    }
    secure({ ...options, httpSocket }, callback);
  };
  return (options, callback) => void connect(options, callback);
}

async function openTunnel(proxy: URL, pool: Pool, target: string): Promise<Socket> {
  const authorization = proxyAuthorizationOf(proxy);
  const { statusCode, socket } = await pool.connect({
    path: target,
    headers: {
      host: target,
      ...(authorization === undefined ? {} : { 'proxy-authorization': authorization }),
    },
  });
  // With HTTP/2 it would be another kind of stream.
  if (statusCode >= 200 && statusCode < 300 && socket instanceof Socket) return socket;
  socket.on('error', () => undefined).destroy();
  throw new ProxyError(proxy.host, { status: statusCode });
}

function targetOf({ hostname, port }: buildConnector.Options): string {
  const host = hostname.includes(':') && !hostname.startsWith('[') ? `[${hostname}]` : hostname;
  return `${host}:${port === '' ? 443 : port}`;
}
