import type { Socket } from 'node:net';
import { Agent, buildConnector, type Dispatcher, type Pool } from 'undici';
import type { RegistryOptions } from '../options.ts';
import { proxyAuthorizationOf, proxyFor } from './proxies.ts';
import type { ServerSettings } from './server-settings.ts';
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

type Limits = Pick<RegistryOptions, 'connectTimeoutMs' | 'servers' | 'systemAuthorities' | 'proxies'>;

const DOCKER_HUB_HOST = 'registry-1.docker.io';

/** The settings for the server of `url`; Docker Hub is looked up by the name that people know. */
export function settingsOf(url: URL, servers: RegistryOptions['servers']): ServerSettings {
  return servers(url.host === DOCKER_HUB_HOST ? 'docker.io' : url.host);
}

/**
 * Connections by what they are made with: certificates, and the proxy in between. Servers with equal settings share a
 * dispatcher, so that certificates are parsed once.
 */
export class Dispatchers {
  readonly #limits: Limits;
  /** By what they connect with. */
  readonly #agents = new Map<string, Agent>();
  readonly #agentsByOrigin = new Map<string, Agent>();
  readonly #proxyPools = new Map<string, Pool>();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Ends all connections, those under way with an error. */
  async destroy(): Promise<void> {
    await Promise.all([...this.#agents.values(), ...this.#proxyPools.values()].map((one) => one.destroy()));
  }

  /** @throws Failure `tls-failed` where the certificates set up for the server cannot be read */
  wayTo(url: URL): Way {
    const proxy = proxyFor(url, this.#limits.proxies);
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
    const key = `${materialKeyOf(settingsOf(url, this.#limits.servers))} ${proxy?.href ?? ''}`;
    const known = this.#agents.get(key);
    if (known !== undefined) return known;
    const secure = this.#connectorFor(url);
    const connect = proxy === undefined ? secure : tunnelThrough(proxy, this.#poolOf(proxy), secure);
    const agent = new Agent({ connect });
    this.#agents.set(key, agent);
    return agent;
  }

  #poolOf(proxy: URL): Pool {
    const known = this.#proxyPools.get(proxy.href);
    if (known !== undefined) return known;
    const pool = proxyPool(proxy, this.#connectorFor(proxy), this.#limits.connectTimeoutMs);
    this.#proxyPools.set(proxy.href, pool);
    return pool;
  }

  #connectorFor(url: URL): buildConnector.connector {
    const { connectTimeoutMs, servers, systemAuthorities } = this.#limits;
    const secureContext = secureContextOf(settingsOf(url, servers), { host: url.host, systemAuthorities });
    const connect = buildConnector({
      timeout: connectTimeoutMs,
      ...(secureContext === undefined ? {} : { secureContext }),
    });
    return (target, callback) => {
      connect(target, (...result) => {
        if (result[0] === null) endAtFirstError(result[1]);
        callback(...result);
      });
    };
  }
}

/**
 * A server refuses a client's certificate (TLS 1.3) only after the connection stands, with an alert and then the end:
 * undici would report the end.
 */
function endAtFirstError(socket: Socket): void {
  socket.once('error', (error) => socket.destroy(error));
}
