import type { CredentialsOf } from './authentication/credentials.ts';
import { NO_MEMORY, type ManifestMemory } from './manifest/manifest-memory.ts';
import type { Proxies } from '../../core/http/proxies.ts';
import type { RequestRecord } from '../../core/http/request-record.ts';
import { DIRECT, type Route } from './route.ts';
import type { ServerSettings } from '../../core/http/server-settings.ts';

/**
 * - `refuse`: their image fails;
 * - `skip`: their image is published without them, and a warning says so;
 * - `fetch`: they are taken from the registry or, where it lacks them, from the addresses in the manifest.
 */
export type ForeignLayers = 'refuse' | 'skip' | 'fetch';

/** How a {@link RegistryClient} behaves. */
export interface RegistryOptions {
  /** Until a connection stands, looking up the name and TLS included. */
  readonly connectTimeoutMs: number;
  /** From the request to the answer's headers. */
  readonly headersTimeoutMs: number;
  /** Without a byte of the body; also how long a body may drip, see `minimumRateBytesPerSecond`. */
  readonly bodyTimeoutMs: number;
  /** Of a document, from its first request to the end of its body, redirects included. */
  readonly requestTimeoutMs: number;
  /** Of a list of tags from one place, with all its pages and their further tries. */
  readonly listTimeoutMs: number;
  /** Of all documents that tell what one reference means, from one place, with their further tries. */
  readonly lookTimeoutMs: number;
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
  /** How long a server that was too slow is left alone the first time; see `SetAside`. */
  readonly setAsideMs: number;
  /** Of `setAsideMs`: a clock, in ms. */
  readonly nowMs: () => number;
  /** How long a used up rate limit is remembered where the server does not say when there is more. */
  readonly rateLimitMemoryMs: number;
  /** Requests at once for each origin, bodies under way included, where its server's settings say nothing else. */
  readonly concurrency: number;
  /** Ends everything under way with `interrupted`. */
  readonly signal: AbortSignal | undefined;
  readonly credentials: CredentialsOf;
  /** By a registry's host as wishes write it. */
  readonly routes: (registryHost: string) => Route;
  /** By a server's host and port, with `docker.io` for Docker Hub. */
  readonly servers: (host: string) => ServerSettings;
  /** What becomes of layers whose media type says that registries do not distribute them. */
  readonly foreignLayers: ForeignLayers;
  /** What the last manifests were. */
  readonly memory: ManifestMemory;
  /** Told what users should know, such as a mirror that does not work. */
  readonly warn: (message: string) => void;
  /** PEM: what `NODE_EXTRA_CA_CERTS` adds to Node's own authorities, for servers with authorities of their own. */
  readonly systemAuthorities: string | undefined;
  readonly proxies: Proxies;
  /** Which addresses may be connected to, for whatever registries lead to as well. */
  readonly isAllowed: (address: string) => boolean;
  /** Told of each HTTP exchange when it has ended. Must not throw. */
  readonly onRequest: ((record: RequestRecord) => void) | undefined;
}

export const DEFAULT_OPTIONS: RegistryOptions = {
  connectTimeoutMs: 30_000,
  headersTimeoutMs: 60_000,
  bodyTimeoutMs: 120_000,
  requestTimeoutMs: 300_000,
  listTimeoutMs: 600_000,
  lookTimeoutMs: 300_000,
  tokenTimeoutMs: 60_000,
  minimumRateBytesPerSecond: 1024,
  tries: 4,
  retryDelayMs: 500,
  outageMemoryMs: 30_000,
  setAsideMs: 300_000,
  nowMs: () => performance.now(),
  rateLimitMemoryMs: 60_000,
  concurrency: 6,
  signal: undefined,
  credentials: async () => await Promise.resolve(undefined),
  routes: () => DIRECT,
  servers: () => ({}),
  foreignLayers: 'refuse',
  memory: NO_MEMORY,
  warn: () => undefined,
  systemAuthorities: undefined,
  proxies: {},
  isAllowed: () => true,
  onRequest: undefined,
};
