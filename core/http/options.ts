import type { Proxies } from './proxies.ts';
import type { RequestRecord } from './request-record.ts';
import type { ServerSettings } from './server-settings.ts';

/** How a {@link Transport} behaves. */
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
  /** What a blob's body must bring on average while it is waited for. */
  readonly minimumRateBytesPerSecond: number;
  /** Of one request, the first included. */
  readonly tries: number;
  /** Before the second try; about doubled before each further one. */
  readonly retryDelayMs: number;
  /** How long a server that could not be reached is not asked again. */
  readonly outageMemoryMs: number;
  /** How long a used up rate limit is remembered where the server does not say when there is more. */
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
  /** Which addresses may be connected to, for whatever registries lead to as well. */
  readonly isAllowed: (address: string) => boolean;
  /** Told of each HTTP exchange when it has ended. Must not throw. */
  readonly onRequest: ((record: RequestRecord) => void) | undefined;
}
