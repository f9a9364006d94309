import type { RegistryOptions } from '../../../publisher/registry/options.ts';

/** What must hold in every run, whatever the guests are. */
export const LIMITS = {
  memoryBytes: 300e6,
  silenceMs: 10_000,
  /** Of a run with {@link SHORT_LIMITS}; it ends by itself, or something never ends. */
  runMs: 240_000,
} as const;

/** Limits of time that the program under test has in place of its own: long enough for a good registry on a slow machine. */
export const SHORT_LIMITS = {
  connectTimeoutMs: 4_000,
  headersTimeoutMs: 4_000,
  bodyTimeoutMs: 4_000,
  requestTimeoutMs: 8_000,
  retryDelayMs: 20,
  outageMemoryMs: 1_000,
  rateLimitMemoryMs: 1_000,
  tries: 2,
} as const satisfies Partial<RegistryOptions>;
