import type { HttpOptions } from '../../core/http/options.ts';
import type { CredentialsOf } from './authentication/credentials.ts';
import { NO_MEMORY, type ManifestMemory } from './manifest/manifest-memory.ts';
import { DIRECT, type RegistryRoute } from './endpoint.ts';

/**
 * - `refuse`: their image fails;
 * - `skip`: their image is published without them, and a warning says so;
 * - `fetch`: they are taken from the registry or, where it lacks them, from the addresses in the manifest.
 */
export type ForeignLayers = 'refuse' | 'skip' | 'fetch';

/** How a {@link RegistryClient} behaves. */
export interface RegistryOptions extends HttpOptions {
  /** Of a list of tags from one endpoint, with all its pages and their further tries. */
  readonly listTimeoutMs: number;
  /** Of all documents that tell what one reference means, from one endpoint, with their further tries. */
  readonly lookTimeoutMs: number;
  /** How long a server that was too slow is left alone the first time; see `SetAside`. */
  readonly setAsideMs: number;
  /** Of `setAsideMs`: a clock, in ms. */
  readonly nowMs: () => number;
  readonly credentials: CredentialsOf;
  /** By a registry's host as wishes write it. */
  readonly routes: (registryHost: string) => RegistryRoute;
  /** What becomes of layers whose media type says that registries do not distribute them. */
  readonly foreignLayers: ForeignLayers;
  /** What the last manifests were. */
  readonly memory: ManifestMemory;
  /** Told what users should know, such as a mirror that does not work. */
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
  memory: NO_MEMORY,
  warn: () => undefined,
  systemAuthorities: undefined,
  proxies: {},
  isAllowed: () => true,
  onRequest: undefined,
};
