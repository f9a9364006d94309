import type { Proxies } from './proxies.ts';
import type { Material } from './tls.ts';
import { isLoopback, DOCKER_HUB, DOCKER_HUB_HOST } from '../oci/registry-host.ts';

/** Options of a {@link Transport}. */
export interface HttpOptions {
  /** Until a connection stands, looking up the name and TLS included. */
  readonly connectTimeoutMs: number;
  /** From the request to the answer's headers. */
  readonly headersTimeoutMs: number;
  /** Without a byte of the body; also how long a body may drip, see `minimumRateBytesPerSecond`. */
  readonly bodyTimeoutMs: number;
  /** Of a document, from its first request to the end of its body, redirects included. */
  readonly requestTimeoutMs: number;
  /** Of a token, with its further tries. */
  readonly tokenTimeoutMs: number;
  /** Least average rate of a blob's body while it is waited for. */
  readonly minimumRateBytesPerSecond: number;
  /** Of one request, the first included. */
  readonly tries: number;
  /** Before the second try; about doubled before each further one. */
  readonly retryDelayMs: number;
  /** Time during which a server that could not be reached is not asked again. */
  readonly outageMemoryMs: number;
  /** The clock for that, in ms; by default one that nobody sets. */
  readonly nowMs?: () => number;
  /** Time during which an exhausted rate limit is remembered where the server does not say when it resets. */
  readonly rateLimitMemoryMs: number;
  /** Requests at once for each origin, bodies under way included, where its server's settings say nothing else. */
  readonly concurrency: number;
  /** Ends everything under way with `interrupted`. */
  readonly signal: AbortSignal | undefined;
  /** By a server's host and port, with `docker.io` for Docker Hub. */
  readonly servers: (host: string) => ServerSettings;
  /** PEM: what `NODE_EXTRA_CA_CERTS` adds to Node's own authorities, for servers with authorities of their own. */
  readonly systemAuthorities: string | undefined;
  readonly proxies: Proxies;
  /** Allows an address to be connected to, also behind redirects. */
  readonly isAllowed: (address: string) => boolean;
  /** Told of each HTTP exchange when it has ended. Must not throw. */
  readonly onRequest: ((record: RequestRecord) => void) | undefined;
}

/** Settings for connections to one server. */
export interface ServerSettings extends Material {
  /** Requests at once, bodies under way included; the client's own limit where it is left out. */
  readonly concurrency?: number | undefined;
  /** Allows credentials to be sent over plain HTTP, in clear. */
  readonly allowHttp?: boolean | undefined;
}

/** Returns true where credentials may be sent to `url`: by plain HTTP only on this machine, and where the operator allows it. */
export function mayHaveCredentials(url: URL, servers: (host: string) => ServerSettings): boolean {
  return url.protocol === 'https:' || isLoopback(url.host) || settingsOf(url, servers).allowHttp === true;
}

/** The settings for the server of `url`; Docker Hub is looked up by the name that people know. */
export function settingsOf(url: URL, servers: (host: string) => ServerSettings): ServerSettings {
  return servers(url.host === DOCKER_HUB_HOST ? DOCKER_HUB : url.host);
}

/** Record of an HTTP exchange that has ended. Nothing in it is secret. */
export interface RequestRecord {
  readonly method: string;
  /** Without user, password and query. */
  readonly url: string;
  /** `undefined` where no answer came. */
  readonly status: number | undefined;
  /** Why it did not come to its proper end. */
  readonly error: string | undefined;
  /** From when it was sent, its waiting for others not included. */
  readonly durationMs: number;
  /** 1 for the first; redirects and answers to challenges belong to the same try. */
  readonly tryNumber: number;
  /** Of the body, as far as it was read. */
  readonly bytes: number;
  /** It carried an `Authorization` field. */
  readonly isAuthorized: boolean;
}
