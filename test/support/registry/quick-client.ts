import { RegistryClient } from '../../../publisher/registry/client.ts';
import type { RegistryOptions } from '../../../publisher/registry/options.ts';
import { Failure } from '../../../core/failure.ts';

/** A client that comes back soon after a failure. Its time limits are those that a busy machine needs. */
export function quickClient(options: Partial<RegistryOptions> = {}): RegistryClient {
  return new RegistryClient({
    connectTimeoutMs: 60_000,
    headersTimeoutMs: 60_000,
    bodyTimeoutMs: 60_000,
    retryDelayMs: 1,
    ...options,
  });
}

/** The failure that `work` ends with; any other end is an error. */
export async function failureOf(work: Promise<unknown>): Promise<Failure> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('it should have failed');
}

export async function collect(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}
