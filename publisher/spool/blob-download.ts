import { isFailure, type Failure } from '../../core/failure.ts';
import { type ImageReference, describeSubject } from '../../core/oci/reference.ts';
import type { Descriptor } from '../../core/oci/manifest.ts';
import { RangeRefused } from '../../core/http/response.ts';
import { Retryable, withRetries, type RetryPolicy } from '../../core/http/retry.ts';
import { PartFile, type PartTarget } from './part-file.ts';
import { Rate, type RateLimit } from './download-limits.ts';

/** The part of a `RegistryClient` that brings blobs. */
export interface BlobSource {
  /** Opens a blob at `offset`; `attempt` counts the requests of one download from 1 on. */
  openBlob(
    reference: ImageReference,
    descriptor: Descriptor,
    options: { readonly offset: number; readonly attempt: number; readonly signal: AbortSignal },
  ): Promise<AsyncIterable<Uint8Array>>;
  /** Reports a download that was too slow, with its last attempt, and how long it took. */
  readonly tooSlow?: (
    reference: ImageReference,
    failure: Failure,
    download: { readonly attempt: number; readonly durationMs: number },
  ) => void;
}

export interface BlobRequest {
  readonly client: BlobSource;
  readonly reference: ImageReference;
  readonly descriptor: Descriptor;
}

/**
 * Downloads one blob into a part file, and resumes it after a body that broke, and after an earlier process. A part that
 * turns out wrong is removed, and begins anew from its first byte.
 */
export class BlobDownload {
  readonly #request: BlobRequest;
  readonly #target: PartTarget;
  readonly #rate: Rate;
  #part: PartFile | undefined;

  constructor(request: BlobRequest, target: PartTarget, limit: RateLimit) {
    this.#request = request;
    this.#target = target;
    const { reference, descriptor } = request;
    this.#rate = new Rate(limit, describeSubject({ kind: 'blob', reference, digest: descriptor.digest }));
  }

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
    let last = 1;
    try {
      await withRetries(policy, async (attempt) => {
        last = attempt;
        await this.#try(attempt, policy.signal);
      });
    } catch (error) {
      const { client, reference } = this.#request;
      const { durationMs } = this.#rate;
      if (isFailure(error, 'registry-timeout') && durationMs > 0)
        client.tooSlow?.(reference, error, { attempt: last, durationMs });
      throw error;
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
      // A refused layer is not resumed either.
      if (isFailure(error, 'disk-full', 'state-unusable', 'layer-refused')) await part.remove();
      if (!isWrong(error, part)) throw error;
      await this.#drop(part);
      throw new Retryable(error);
    }
  }

  /** A part of an earlier process that is complete and wrong is not worth a try. */
  async #open(signal: AbortSignal): Promise<PartFile> {
    const { descriptor } = this.#request;
    const part = await PartFile.open(descriptor, this.#target, signal);
    if (!part.isComplete || part.isRight) return part;
    await this.#drop(part);
    return await PartFile.open(descriptor, this.#target, signal);
  }

  /** @throws Retryable where the body is to blame; what came before it broke counts */
  async #receive(part: PartFile, attempt: number, signal: AbortSignal): Promise<void> {
    const { client, reference, descriptor } = this.#request;
    const offset = part.sizeBytes;
    const body = await client.openBlob(reference, descriptor, { offset, attempt, signal });
    this.#rate.begin();
    try {
      for await (const chunk of body) {
        await part.append(chunk);
        this.#rate.count(chunk.length);
        // There is no time for another try.
        if (this.#rate.isTooSlow) break;
      }
    } catch (error) {
      await part.flush();
      if (signal.aborted || !isFailure(error, 'registry-error', 'registry-timeout')) throw error;
      // Nothing is missing: how the body ends does not matter.
      if (part.isComplete) return;
      throw new Retryable(error, { newBytes: part.sizeBytes - offset });
    }
    if (this.#rate.isTooSlow && !part.isComplete) {
      await part.flush();
      throw this.#rate.failure();
    }
  }

  async #drop(part: PartFile): Promise<void> {
    this.#part = undefined;
    await part.remove();
    this.#target.progress.onBytes(0);
  }
}

/** True where the part cannot become the blob, or cannot be resumed. */
function isWrong(error: unknown, part: PartFile): error is Failure {
  return isFailure(error, 'digest-mismatch') || (error instanceof RangeRefused && part.sizeBytes > 0);
}
