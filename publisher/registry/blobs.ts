import { isFailure, type Failure } from '../../core/failure.ts';
import { type ImageReference, describeSubject } from '../../core/oci/reference.ts';
import type { Descriptor, LayerDescriptor } from '../../core/oci/manifest.ts';
import { RangeRefused, isRangeOf, withoutFirst } from '../../core/http/response.ts';
import { requestTo, type Endpoints } from './endpoints.ts';
import type { Transport, TransportRequest } from '../../core/http/transport.ts';
import { aboutImage } from './error-response.ts';

export interface BlobOptions {
  /** Bytes to leave out at the beginning: fewer than the blob has. */
  readonly offset?: number;
  /** Counts tries from 1: further tries ask other mirrors, or the registry itself. */
  readonly attempt?: number;
  readonly signal?: AbortSignal | undefined;
}

/** A blob as manifests name it: a config, or a layer. */
export type BlobDescriptor = Descriptor & Partial<Pick<LayerDescriptor, 'isForeign' | 'urls'>>;

export interface BlobRequest {
  readonly reference: ImageReference;
  readonly descriptor: BlobDescriptor;
  readonly options: BlobOptions;
}

/**
 * Opens a blob. Its bytes are not verified: whoever reads them checks size and digest.
 *
 * @throws Failure `blob-unknown`; RangeRefused where the registry cannot begin at `offset`
 */
export async function openBlob(
  transport: Transport,
  endpoints: Endpoints,
  blob: BlobRequest,
): Promise<AsyncIterable<Uint8Array>> {
  const { reference, descriptor, options } = blob;
  const subject = { kind: 'blob', reference, digest: descriptor.digest } as const;
  try {
    return await endpoints.tryEach(
      reference,
      'blob',
      async (endpoint) => {
        const url = endpoint.url(`blobs/${descriptor.digest}`);
        return await open(transport, requestTo(endpoint, subject, url), blob);
      },
      options.attempt,
    );
  } catch (error) {
    if (!isFailure(error, 'blob-unknown') || descriptor.isForeign !== true) throw error;
    return await openElsewhere(transport, blob, error);
  }
}

/**
 * Opens a foreign layer where its manifest says, which anybody may have written: nobody's credentials go there.
 *
 * @see OCI image specification 1.1, descriptor.md, `urls`
 */
async function openElsewhere(
  transport: Transport,
  blob: BlobRequest,
  unknown: Failure,
): Promise<AsyncIterable<Uint8Array>> {
  const { reference, descriptor, options } = blob;
  const subject = { kind: 'blob', reference, digest: descriptor.digest } as const;
  let last = unknown;
  for (const url of startingAt(options.attempt ?? 1, allowedUrls(descriptor, reference))) {
    try {
      return await open(transport, { url, subject: aboutImage(subject) }, blob);
    } catch (error) {
      if (!isFailure(error) || error.code === 'interrupted') throw error;
      last = error;
    }
  }
  throw last;
}

async function open(
  transport: Transport,
  request: TransportRequest,
  { reference, descriptor: { digest, sizeBytes }, options: { offset = 0, signal } }: BlobRequest,
): Promise<AsyncIterable<Uint8Array>> {
  const headers = offset === 0 ? {} : { range: `bytes=${offset}-` };
  const { status, header, body, discard } = await transport.open({ ...request, headers, signal });
  if (status === 200) return offset === 0 ? body : withoutFirst(body, offset);
  if (offset > 0 && isRangeOf(header('content-range'), offset, sizeBytes)) return body;
  discard();
  const subject = { kind: 'blob', reference, digest } as const;
  throw new RangeRefused(
    `the registry ${reference.registry} does not give ${describeSubject(subject)} from byte ${offset} on`,
  );
}

/** Leaves out plain HTTP, but for images that are asked for by it. */
function allowedUrls({ urls = [] }: BlobDescriptor, { scheme }: ImageReference): URL[] {
  return urls
    .flatMap((text) => (URL.canParse(text) ? [new URL(text)] : []))
    .filter(({ protocol }) => protocol === 'https:' || (protocol === 'http:' && scheme === 'http'));
}

/** Begins each attempt with another one: what the first gave was no good then. All are asked in the end. */
function startingAt(attempt: number, urls: readonly URL[]): URL[] {
  const first = urls.length === 0 ? 0 : (attempt - 1) % urls.length;
  return [...urls.slice(first), ...urls.slice(0, first)];
}
