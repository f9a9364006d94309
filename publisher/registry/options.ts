import type { CredentialsOf } from './credentials.ts';

/** How a {@link RegistryClient} behaves. */
export interface RegistryOptions {
  /** Until a connection stands, looking up the name and TLS included. */
  readonly connectTimeoutMs: number;
  /** From the request to the answer's headers. */
  readonly headersTimeoutMs: number;
  /** Without a byte of the body. */
  readonly bodyTimeoutMs: number;
  /** Of one request, the first included. */
  readonly tries: number;
  /** Before the second try; about doubled before each further one. */
  readonly retryDelayMs: number;
  /** How long a server that could not be reached is not asked again. */
  readonly outageMemoryMs: number;
  /** Requests at once for each origin, bodies under way included. */
  readonly concurrency: number;
  /** Ends everything under way with `interrupted`. */
  readonly signal: AbortSignal | undefined;
  readonly credentials: CredentialsOf;
}

export const DEFAULT_OPTIONS: RegistryOptions = {
  connectTimeoutMs: 30_000,
  headersTimeoutMs: 60_000,
  bodyTimeoutMs: 120_000,
  tries: 4,
  retryDelayMs: 500,
  outageMemoryMs: 30_000,
  concurrency: 6,
  signal: undefined,
  credentials: () => undefined,
};
