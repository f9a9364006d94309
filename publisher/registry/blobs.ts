import { isFailure, type Failure } from '../../core/failure.ts';
import type { ImageReference } from '../../core/oci/reference.ts';
import type { Descriptor, LayerDescriptor } from '../../core/oci/manifest.ts';
import { RangeRefused, isRangeOf, withoutFirst } from '../../core/http/range.ts';
import { requestTo, type Endpoints } from './endpoints.ts';
import { describeSubject } from '../../core/http/subject.ts';
import type { Transport, TransportRequest } from '../../core/http/transport.ts';

/** What a request for a blob can add. */
export interface BlobOptions {
  /** Bytes to leave out at the beginning: fewer than the blob has. */
  readonly offset?: number;
  /** Which try this is, from 1: further tries ask other mirrors, or the registry itself. */
  readonly attempt?: number;
  readonly signal?: AbortSignal | undefined;
}

/** A blob as manifests name it: a config, or a layer. */
export type BlobDescriptor = Descriptor & Partial<Pick<LayerDescriptor, 'isForeign' | 'urls'>>;

/** Opens blobs. What comes is not verified: whoever reads it checks size and digest. */
export class Blobs {
  readonly #transport: Transport;
  readonly #endpoints: Endpoints;

  constructor(transport: Transport, endpoints: Endpoints) {
    this.#transport = transport;
    this.#endpoints = endpoints;
  }

  /** @throws Failure `blob-unknown`; RangeRefused where the registry cannot begin at `offset` */
  async open(
    reference: ImageReference,
    descriptor: BlobDescriptor,
    options: BlobOptions,
  ): Promise<AsyncIterable<Uint8Array>> {
    const subject = { kind: 'blob', reference, digest: descriptor.digest } as const;
    try {
      return await this.#endpoints.tryEach(
        reference,
        'blob',
        async (endpoint) => {
          const url = endpoint.url(`blobs/${descriptor.digest}`);
          return await this.#open(requestTo(endpoint, subject, url), descriptor, options);
        },
        options.attempt,
      );
    } catch (error) {
      if (!isFailure(error, 'blob-unknown') || descriptor.isForeign !== true) throw error;
      return await this.#openElsewhere(reference, descriptor, options, error);
    }
  }

  /**
   * Foreign layers lie where their manifest says, which anybody may have written: nobody's credentials go there.
   *
   * @see OCI image specification 1.1, descriptor.md, `urls`
   */
  async #openElsewhere(
    reference: ImageReference,
    descriptor: BlobDescriptor,
    options: BlobOptions,
    unknown: Failure,
  ): Promise<AsyncIterable<Uint8Array>> {
    const subject = { kind: 'blob', reference, digest: descriptor.digest } as const;
    let last = unknown;
    for (const url of startingAt(options.attempt ?? 1, allowedUrls(descriptor, reference))) {
      try {
        return await this.#open({ url, subject }, descriptor, options);
      } catch (error) {
        if (!isFailure(error) || error.code === 'interrupted') throw error;
        last = error;
      }
    }
    throw last;
  }

  async #open(
    request: TransportRequest,
    { sizeBytes }: BlobDescriptor,
    { offset = 0, signal }: BlobOptions,
  ): Promise<AsyncIterable<Uint8Array>> {
    const headers = offset === 0 ? {} : { range: `bytes=${offset}-` };
    const { status, header, body, discard } = await this.#transport.open({ ...request, headers, signal });
    if (status === 200) return offset === 0 ? body : withoutFirst(body, offset);
    if (offset > 0 && isRangeOf(header('content-range'), offset, sizeBytes)) return body;
    discard();
    const { subject } = request;
    throw new RangeRefused(
      `the registry ${subject.reference.registry} does not give ${describeSubject(subject)} from byte ${offset} on`,
    );
  }
}

/** Plain HTTP is for those alone who asked for it. */
function allowedUrls({ urls = [] }: BlobDescriptor, { scheme }: ImageReference): URL[] {
  return urls
    .flatMap((text) => (URL.canParse(text) ? [new URL(text)] : []))
    .filter(({ protocol }) => protocol === 'https:' || (protocol === 'http:' && scheme === 'http'));
}

/** Each attempt begins with another one: what the first gave was no good then. All are asked in the end. */
function startingAt(attempt: number, urls: readonly URL[]): URL[] {
  const first = urls.length === 0 ? 0 : (attempt - 1) % urls.length;
  return [...urls.slice(first), ...urls.slice(0, first)];
}
