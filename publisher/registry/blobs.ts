import { Failure, isFailure } from '../../wishlist/failure.ts';
import type { ImageReference } from '../../wishlist/reference.ts';
import type { Descriptor, LayerDescriptor } from './manifest.ts';
import { requestOf, type Sources } from './sources.ts';
import { describeSubject } from './subject.ts';
import type { Transport, TransportRequest } from './transport.ts';

/** What a request for a blob can add. */
export interface BlobOptions {
  /** Bytes to leave out at the beginning. */
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
  readonly #sources: Sources;

  constructor(transport: Transport, sources: Sources) {
    this.#transport = transport;
    this.#sources = sources;
  }

  /** @throws Failure `blob-unknown`; `registry-error` where `offset` is given and the registry cannot begin there */
  async open(
    reference: ImageReference,
    descriptor: BlobDescriptor,
    options: BlobOptions,
  ): Promise<AsyncIterable<Uint8Array>> {
    const subject = { kind: 'blob', reference, digest: descriptor.digest } as const;
    try {
      return await this.#sources.ask(
        reference,
        async (source) => {
          const url = source.url(`blobs/${descriptor.digest}`);
          return await this.#open(requestOf(source, subject, url), options);
        },
        options.attempt,
      );
    } catch (error) {
      if (!isFailure(error, 'blob-unknown') || descriptor.isForeign !== true) throw error;
      return await this.#openElsewhere(allowedUrls(descriptor, reference), { subject }, options, error);
    }
  }

  /**
   * Foreign layers lie where their manifest says, which anybody may have written: nobody's credentials go there.
   *
   * @see OCI image specification 1.1, descriptor.md, `urls`
   */
  async #openElsewhere(
    urls: readonly URL[],
    request: Pick<TransportRequest, 'subject'>,
    options: BlobOptions,
    unknown: Failure,
  ): Promise<AsyncIterable<Uint8Array>> {
    let last = unknown;
    for (const url of urls) {
      try {
        return await this.#open({ ...request, url }, options);
      } catch (error) {
        if (!isFailure(error) || error.code === 'interrupted') throw error;
        last = error;
      }
    }
    throw last;
  }

  async #open(
    request: TransportRequest,
    { offset = 0, signal }: BlobOptions,
  ): Promise<AsyncIterable<Uint8Array>> {
    const headers = offset === 0 ? {} : { range: `bytes=${offset}-` };
    const { status, header, body, discard } = await this.#transport.open({ ...request, headers, signal });
    const isAtOffset =
      offset === 0 ? status === 200 : header('content-range')?.startsWith(`bytes ${offset}-`) === true;
    if (isAtOffset) return body;
    discard();
    const { subject } = request;
    throw new Failure(
      'registry-error',
      `the registry ${subject.reference.registry} does not give ${describeSubject(subject)} from byte ${offset} on`,
      { hint: 'fetch the whole blob' },
    );
  }
}

/** Plain HTTP is for those alone who asked for it. */
function allowedUrls({ urls = [] }: BlobDescriptor, { scheme }: ImageReference): URL[] {
  return urls
    .flatMap((text) => (URL.canParse(text) ? [new URL(text)] : []))
    .filter(({ protocol }) => protocol === 'https:' || (protocol === 'http:' && scheme === 'http'));
}
