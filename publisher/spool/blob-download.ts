import { isFailure, type Failure } from '../../wishlist/failure.ts';
import type { ImageReference } from '../../wishlist/reference/reference.ts';
import type { Descriptor } from '../registry/manifest/manifest.ts';
import { RangeRefused } from '../registry/range.ts';
import { Retryable, withRetries, type RetryPolicy } from '../registry/http/retry.ts';
import { PartFile, type PartPlace } from './part-file.ts';

/** Where blobs come from: a `RegistryClient`. */
export interface BlobSource {
  /** The bytes from `offset` on; `attempt` counts the requests of one download from 1 on. */
  openBlob(
    reference: ImageReference,
    descriptor: Descriptor,
    options: { readonly offset: number; readonly attempt: number; readonly signal: AbortSignal },
  ): Promise<AsyncIterable<Uint8Array>>;
}

/** Which blob, and where it comes from. */
export interface BlobRequest {
  readonly client: BlobSource;
  readonly reference: ImageReference;
  readonly descriptor: Descriptor;
}

/**
 * Brings one blob into a part file, and goes on with what is there of it: after a body that broke, and from an
 * earlier process. What turns out wrong is removed, and begins anew from its first byte.
 */
export class BlobDownload {
  readonly #request: BlobRequest;
  readonly #place: PartPlace;
  #part: PartFile | undefined;

  constructor(request: BlobRequest, place: PartPlace) {
    this.#request = request;
    this.#place = place;
  }

  /** How many bytes there are so far. */
  get receivedBytes(): number {
    return this.#part?.sizeBytes ?? 0;
  }

  /**
   * Returns when the file holds the whole blob, verified and on the disk; nothing is asked for where it did before.
   * Where this fails, what came stays in the file, unless it is wrong or cannot be stored.
   *
   * @throws Failure `digest-mismatch`, `registry-error` or `registry-timeout` for a body that stays wrong or broken;
   *   those of the client; `disk-full`, `state-unusable`, and the reason of the policy's signal
   */
  async run(policy: RetryPolicy): Promise<void> {
    try {
      await withRetries(policy, async (attempt) => {
        await this.#try(attempt, policy.signal);
      });
    } finally {
      await this.#part?.close();
    }
  }

  async #try(attempt: number, signal: AbortSignal): Promise<void> {
    this.#part ??= await this.#open(signal);
    const part = this.#part;
    try {
      if (!part.isComplete) await this.#receive(part, attempt, signal);
      await part.finish();
    } catch (error) {
      // What is refused is not gone on with either.
      if (isFailure(error, 'disk-full', 'state-unusable', 'layer-refused')) await part.remove();
      if (!isWrong(error, part)) throw error;
      await this.#drop(part);
      throw new Retryable(error);
    }
  }

  /** A part of an earlier process that is complete and wrong is not worth a try. */
  async #open(signal: AbortSignal): Promise<PartFile> {
    const { descriptor } = this.#request;
    const part = await PartFile.open(descriptor, this.#place, signal);
    if (!part.isComplete || part.isRight) return part;
    await this.#drop(part);
    return await PartFile.open(descriptor, this.#place, signal);
  }

  /** @throws Retryable where the body is to blame; what came before it broke counts */
  async #receive(part: PartFile, attempt: number, signal: AbortSignal): Promise<void> {
    const { client, reference, descriptor } = this.#request;
    const offset = part.sizeBytes;
    const body = await client.openBlob(reference, descriptor, { offset, attempt, signal });
    try {
      for await (const chunk of body) await part.append(chunk);
    } catch (error) {
      await part.flush();
      if (signal.aborted || !isFailure(error, 'registry-error', 'registry-timeout')) throw error;
      // Nothing is missing: how the body ends does not matter.
      if (part.isComplete) return;
      throw new Retryable(error, { newBytes: part.sizeBytes - offset });
    }
  }

  async #drop(part: PartFile): Promise<void> {
    this.#part = undefined;
    await part.remove();
    this.#place.progress.onBytes(0);
  }
}

/** Whether what is there cannot become the blob, or cannot be gone on with. */
function isWrong(error: unknown, part: PartFile): error is Failure {
  return isFailure(error, 'digest-mismatch') || (error instanceof RangeRefused && part.sizeBytes > 0);
}
