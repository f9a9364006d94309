import { Failure } from '../../../core/failure.ts';
import { formatReference, type ImageReference, describeSubject } from '../../../core/oci/reference.ts';
import { isDigest, parseDigest, sha256, wrongBytes, type Digest } from '../../../core/oci/digest.ts';
import type { Descriptor } from '../../../core/oci/manifest.ts';
import type { CachedManifest, EntityTag } from './manifest-cache.ts';
import { ACCEPTED_MANIFESTS } from '../../../core/oci/media-types.ts';
import { requestTo, type EndpointTry, type Endpoints } from '../endpoints.ts';
import { TimeLimit } from '../../../core/http/time-limit.ts';
import type { Document, Transport, TransportRequest } from '../../../core/http/transport.ts';

/** The limit of registries: real manifests have some thousand bytes. */
export const LARGEST_MANIFEST_BYTES = 4 * 1024 * 1024;
/** Real configs have some ten thousand bytes. */
const LARGEST_CONFIG_BYTES = 1024 * 1024;

/** A digest that bytes must have, and who says so. */
export interface Promised {
  readonly digest: Digest;
  readonly sizeBytes?: number;
  /** Such as `the index`. */
  readonly by: string;
}

/** A manifest or index as the registry gave it. */
export interface ManifestBytes {
  readonly bytes: Buffer;
  readonly etag: EntityTag | undefined;
}

/** Names without quotes, which the RFC forbids, are used too; no other characters go out again. */
const ENTITY_TAG = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/** Fetches single manifests, indexes and configs, and checks each against all digests known for it. */
export class ManifestFetcher {
  readonly #transport: Transport;
  readonly #endpoints: Endpoints;
  readonly #limitMs: number;
  /** Servers that answer GET, and HEAD not, or without a digest. */
  readonly #withoutHead: Set<string>;
  /** Of all documents together, by host. */
  readonly #limits = new Map<string, TimeLimit>();

  /** @param limitMs of all documents from one endpoint, see {@link forImage} */
  constructor(transport: Transport, endpoints: Endpoints, limitMs: number, withoutHead = new Set<string>()) {
    this.#transport = transport;
    this.#endpoints = endpoints;
    this.#limitMs = limitMs;
    this.#withoutHead = withoutHead;
  }

  /** The same with a time limit of its own: for one image. */
  forImage(): ManifestFetcher {
    return new ManifestFetcher(this.#transport, this.#endpoints, this.#limitMs, this.#withoutHead);
  }

  /**
   * Fetches what `reference` names, by its digest where it has one, or else by its tag.
   *
   * @param promised by an index, for example
   * @throws Failure `image-unknown`, `tag-unknown`, `manifest-invalid` where it is too large, `digest-mismatch`
   */
  async manifest(reference: ImageReference, promised: readonly Promised[] = []): Promise<ManifestBytes> {
    const what = describeSubject({ kind: 'manifest', reference });
    for (const { sizeBytes } of promised) checkSize(what, sizeBytes ?? 0, LARGEST_MANIFEST_BYTES);
    return await this.#endpoints.tryEach(reference, 'manifest', async (endpoint) => {
      const answer = await this.#read(this.#timed(manifestRequest(endpoint)), reference, promised);
      if (answer === 'unchanged') throw new Error('304 for an unconditional request');
      return answer;
    });
  }

  /**
   * Finds out whether the tag of `reference` still leads to `known`: by a HEAD request where the registry reports digests
   * so, else by a conditional GET. Returns what a GET brought.
   *
   * @see OCI distribution specification 1.1, "Checking if content exists in the registry"; RFC 9110, section 13.1.2
   * @throws Failure like {@link manifest}
   */
  async changed(
    reference: ImageReference,
    known: Pick<CachedManifest, 'digest' | 'etag'>,
  ): Promise<ManifestBytes | 'unchanged' | 'changed'> {
    return await this.#endpoints.tryEach(reference, 'manifest', async (endpoint) => {
      const request = this.#timed(manifestRequest(endpoint));
      const { origin, href } = request.url;
      const { status, digest } = this.#withoutHead.has(origin) ? NO_HEAD : await this.#head(request);
      if (digest !== undefined) return digest === known.digest ? 'unchanged' : 'changed';
      const etag = known.etag?.url === href ? known.etag.value : undefined;
      const answer = await this.#read(etag === undefined ? request : ifNew(request, etag), reference, []);
      // Where GET works the server cannot do with HEAD. A tag may have come between the two.
      if (status !== 404) this.#withoutHead.add(origin);
      return answer;
    });
  }

  /** @throws Failure `blob-unknown`, `manifest-invalid` where it is too large, `digest-mismatch` */
  async config(reference: ImageReference, config: Descriptor): Promise<Buffer> {
    const subject = { kind: 'blob', reference, digest: config.digest } as const;
    const what = `the config of ${formatReference(reference)}`;
    checkSize(what, config.sizeBytes, LARGEST_CONFIG_BYTES);
    const limit = { bytes: LARGEST_CONFIG_BYTES, code: 'manifest-invalid' } as const;
    return await this.#endpoints.tryEach(reference, 'manifest', async (endpoint) => {
      const request = this.#timed(requestTo(endpoint, subject, endpoint.url(`blobs/${config.digest}`)));
      return await this.#transport.read(request, limit, ({ bytes }) => {
        verifyBytes(bytes, { ...config, by: 'the manifest' }, what);
        return bytes;
      });
    });
  }

  #timed(request: TransportRequest): TransportRequest {
    const { host } = request.url;
    const whole = this.#limits.get(host) ?? new TimeLimit(this.#limitMs);
    this.#limits.set(host, whole);
    return { ...request, whole };
  }

  /** A registry that refuses HEAD may still answer GET, and only that says why it refuses. */
  async #head(request: TransportRequest): Promise<{ status: number; digest: Digest | undefined }> {
    const { status, header } = await this.#transport.head({ ...request, accepts: 'refusals' });
    const digest = status === 200 ? header('docker-content-digest') : undefined;
    return { status, digest: digest !== undefined && isDigest(digest) ? digest : undefined };
  }

  async #read(
    request: TransportRequest,
    reference: ImageReference,
    promised: readonly Promised[],
  ): Promise<ManifestBytes | 'unchanged'> {
    const what = describeSubject({ kind: 'manifest', reference });
    const limit = { bytes: LARGEST_MANIFEST_BYTES, code: 'manifest-invalid' } as const;
    const pinned: Promised[] =
      reference.digest === undefined ? [] : [{ digest: parseDigest(reference.digest), by: 'the reference' }];
    return await this.#transport.read(request, limit, (answer) => {
      if (answer.status === 304) return 'unchanged';
      const { bytes } = answer;
      for (const promise of [...pinned, ...promised, ...promiseOfHeader(answer)])
        verifyBytes(bytes, promise, what);
      return { bytes, etag: entityTag(answer, request.url) };
    });
  }
}

const NO_HEAD = { status: 0, digest: undefined };

function ifNew(request: TransportRequest, etag: string): TransportRequest {
  return { ...request, headers: { ...request.headers, 'if-none-match': etag }, accepts: [304] };
}

/** A GET of the manifest that the endpoint's reference names, by its digest where it has one, or else by its tag. */
export function manifestRequest(endpoint: EndpointTry): TransportRequest {
  const { reference } = endpoint;
  const version = reference.digest ?? reference.tag;
  if (version === undefined) throw new Error('an image reference has neither a tag nor a digest');
  const request = requestTo(endpoint, { kind: 'manifest', reference }, endpoint.url(`manifests/${version}`));
  return { ...request, headers: { accept: ACCEPTED_MANIFESTS } };
}

/** Digests of other algorithms, which are rare, promise nothing that a pinned digest or an index could confirm. */
function promiseOfHeader({ header }: Document): Promised[] {
  const digest = header('docker-content-digest');
  return digest !== undefined && isDigest(digest) ? [{ digest, by: 'the header Docker-Content-Digest' }] : [];
}

function entityTag({ header }: Document, url: URL): EntityTag | undefined {
  const value = header('etag');
  return value !== undefined && ENTITY_TAG.test(value) ? { value, url: url.href } : undefined;
}

function checkSize(what: string, sizeBytes: number, limitBytes: number): void {
  if (sizeBytes <= limitBytes) return;
  throw new Failure('manifest-invalid', `${what} has ${sizeBytes} bytes, over the limit of ${limitBytes}`, {
    hint: 'far more than usual images have; ask whoever built it',
  });
}

/** @throws Failure `digest-mismatch` where `bytes`, called `what`, are not what `promised` says */
function verifyBytes(bytes: Buffer, promised: Promised, what: string): void {
  const { digest, sizeBytes, by } = promised;
  if (sizeBytes !== undefined && bytes.length !== sizeBytes) {
    throw wrongBytes(`${what} has ${bytes.length} bytes, and ${by} says ${sizeBytes}`);
  }
  const actual = sha256(bytes);
  if (actual !== digest) throw wrongBytes(`${what} has the digest ${actual}, and ${by} says ${digest}`);
}
