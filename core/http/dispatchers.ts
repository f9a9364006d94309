import { isIP } from 'node:net';
import { Agent, type buildConnector, type Dispatcher, type Pool } from 'undici';
import { connectorFor } from './connector.ts';
import type { Material } from './material.ts';
import { proxyAuthorizationOf, proxyFor, type Proxies } from './proxies.ts';
import { AddressRefusedError } from './public-address.ts';
import { materialKeyOf, secureContextOf } from './tls.ts';
import { proxyPool, tunnelThrough } from './tunnel.ts';

/** How a request reaches its server. */
export interface Way {
  readonly dispatcher: Dispatcher;
  /** Where the request is sent to: the server, or the proxy for plain HTTP. */
  readonly origin: string;
  /** What stands in the request's first line. */
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
  wayTo(url: URL): Way {
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
