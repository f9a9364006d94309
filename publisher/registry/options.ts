import type { HttpOptions } from '../../core/http/options.ts';
import { NO_CACHE, type ManifestCache } from './manifest/manifest-cache.ts';
import { DIRECT, type RegistryRoute } from './endpoint.ts';

/**
 * - `refuse`: their image fails;
 * - `skip`: their image is published without them, and a warning says so;
 * - `fetch`: they are taken from the registry or, where it lacks them, from the addresses in the manifest.
 */
export type ForeignLayers = 'refuse' | 'skip' | 'fetch';

/** A login to a registry. Never part of a message, but for `origin`. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
  /** Stands for user and password where it is there: a token service exchanges it (OAuth 2, RFC 6749, section 6). */
  readonly identityToken?: string | undefined;
  /** The place that they were found in, for messages: `/root/.docker/config.json`. */
  readonly origin: string;
}

/**
 * Looks up credentials by a registry's host exactly as wishes write it, such as `docker.io` or `localhost:5000`, and a repository there, such as
 * `library/debian`; `undefined` for anonymous access.
 *
 * @throws Failure `credentials-unavailable`
 */
export type CredentialsOf = (registryHost: string, repository: string) => Promise<Credentials | undefined>;

export interface RegistryOptions extends HttpOptions {
  /** Of a list of tags from one endpoint, with all its pages and their further tries. */
  readonly listTimeoutMs: number;
  /** Of all documents of one reference, from one endpoint, with their further tries. */
  readonly lookTimeoutMs: number;
  /** First pause of a server that was too slow; see `SetAside`. */
  readonly setAsideMs: number;
  /** Of `setAsideMs`: a clock, in ms. */
  readonly nowMs: () => number;
  readonly credentials: CredentialsOf;
  /** By a registry's host as wishes write it. */
  readonly routes: (registryHost: string) => RegistryRoute;
  /** Applies to layers whose media type says that registries do not distribute them. */
  readonly foreignLayers: ForeignLayers;
  readonly manifestCache: ManifestCache;
  /** Reports what users should know, such as a mirror that does not work. */
  readonly warn: (message: string) => void;
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
  manifestCache: NO_CACHE,
  warn: () => undefined,
  systemAuthorities: undefined,
  proxies: {},
  isAllowed: () => true,
  onRequest: undefined,
};
