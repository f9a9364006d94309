import { isIP, Socket } from 'node:net';
import { Agent, type buildConnector, type Dispatcher, Pool } from 'undici';
import { connectorFor } from './connector.ts';
import { proxyAuthorizationOf, proxyFor, type Proxies, ProxyError } from './proxies.ts';
import { AddressRefusedError } from './public-address.ts';
import { type Material, materialKeyOf, secureContextOf } from './tls.ts';

/** Route of a request to its server. */
export interface Dispatch {
  readonly dispatcher: Dispatcher;
  /** Origin that the request is sent to: the server, or the proxy for plain HTTP. */
  readonly origin: string;
  /** Target in the request line. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  /** A proxy that reads the request and may answer it itself. */
  readonly proxyHost: string | undefined;
}

export interface DispatcherOptions {
  /** Until a connection stands, looking up the name and TLS included. */
  readonly connectTimeoutMs: number;
  /** For the server of a URL. */
  readonly materialOf: (url: URL) => Material;
  /** PEM: what `NODE_EXTRA_CA_CERTS` adds to Node's own authorities, for servers with authorities of their own. */
  readonly systemAuthorities: string | undefined;
  readonly proxies: Proxies;
  /**
   * Which addresses may be connected to; all where it is left out. Proxies may always be. They look names up themselves,
   * so that of what is asked through them only addresses are judged.
   */
  readonly isAllowed?: ((address: string) => boolean) | undefined;
}

/**
 * Connections by what they are made with: certificates, and the proxy in between. Servers with equal settings share a
 * dispatcher, so that certificates are parsed once.
 */
export class Dispatchers {
  readonly #options: DispatcherOptions;
  /** By what they connect with. */
  readonly #agents = new Map<string, Agent>();
  readonly #agentsByOrigin = new Map<string, Agent>();
  readonly #proxyPools = new Map<string, Pool>();

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** Ends all connections, those under way with an error. */
  async destroy(): Promise<void> {
    await Promise.all([...this.#agents.values(), ...this.#proxyPools.values()].map((one) => one.destroy()));
  }

  /**
   * @throws Failure `tls-failed` where the certificates set up for the server cannot be read
   * @throws AddressRefusedError
   */
  dispatchFor(url: URL): Dispatch {
    const { proxies, isAllowed = () => true } = this.#options;
    const proxy = proxyFor(url, proxies);
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    if (proxy !== undefined && isIP(host) !== 0 && !isAllowed(host)) throw new AddressRefusedError(host);
    const path = `${url.pathname}${url.search}`;
    const direct = { origin: url.origin, target: path, headers: {}, proxyHost: undefined };
    if (proxy === undefined || url.protocol === 'https:') {
      return { ...direct, dispatcher: this.#agentOf(url, proxy) };
    }
    const authorization = proxyAuthorizationOf(proxy);
    return {
      dispatcher: this.#poolOf(proxy),
      origin: proxy.origin,
      target: `${url.origin}${path}`,
      headers: {
        host: url.host,
        ...(authorization === undefined ? {} : { 'proxy-authorization': authorization }),
      },
      proxyHost: proxy.host,
    };
  }

  #agentOf(url: URL, proxy: URL | undefined): Agent {
    const agent = this.#agentsByOrigin.get(url.origin) ?? this.#agentFor(url, proxy);
    this.#agentsByOrigin.set(url.origin, agent);
    return agent;
  }

  #agentFor(url: URL, proxy: URL | undefined): Agent {
    const key = `${materialKeyOf(this.#options.materialOf(url))} ${proxy?.href ?? ''}`;
    const known = this.#agents.get(key);
    if (known !== undefined) return known;
    const secure = this.#connectorFor(url, this.#options.isAllowed);
    const connect = proxy === undefined ? secure : tunnelThrough(proxy, this.#poolOf(proxy), secure);
    const agent = new Agent({ connect });
    this.#agents.set(key, agent);
    return agent;
  }

  #poolOf(proxy: URL): Pool {
    const known = this.#proxyPools.get(proxy.href);
    if (known !== undefined) return known;
    const pool = proxyPool(proxy, this.#connectorFor(proxy), this.#options.connectTimeoutMs);
    this.#proxyPools.set(proxy.href, pool);
    return pool;
  }

  #connectorFor(url: URL, isAllowed?: DispatcherOptions['isAllowed']): buildConnector.connector {
    const { connectTimeoutMs: timeoutMs, materialOf, systemAuthorities } = this.#options;
    const secureContext = secureContextOf(materialOf(url), { host: url.host, systemAuthorities });
    return connectorFor({ timeoutMs, secureContext, isAllowed });
  }
}

type Connector = buildConnector.connector;

/** Connections to a proxy; their errors are {@link ProxyError}s. */
function proxyPool(proxy: URL, connect: Connector, timeoutMs: number): Pool {
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
function tunnelThrough(proxy: URL, pool: Pool, secure: Connector): Connector {
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
