import { Failure } from '../../wishlist/failure.ts';
import { printable } from '../../wishlist/quote.ts';
import { formatReference, type ImageReference } from '../../wishlist/reference.ts';
import { Authentication } from './authentication.ts';
import { parseConfig, type ImageConfig } from './config.ts';
import { isDigest, parseDigest } from './digest.ts';
import { endpoint } from './endpoint.ts';
import {
  parseManifest,
  type Descriptor,
  type IndexEntry,
  type Manifest,
  type ManifestDocument,
} from './manifest.ts';
import { ACCEPTED_MANIFESTS } from './media-types.ts';
import { DEFAULT_OPTIONS, type RegistryOptions } from './options.ts';
import { LINUX_AMD64, choosePlatform, formatPlatform, listPlatforms, type Platform } from './platform.ts';
import { describeSubject } from './subject.ts';
import { listTags } from './tag-list.ts';
import { Transport, type Document } from './transport.ts';
import { sha256, verifyBytes, type Promised } from './verify.ts';

const LARGEST_MANIFEST_BYTES = 8 * 1024 * 1024;
const LARGEST_CONFIG_BYTES = 16 * 1024 * 1024;

const MOST_PLATFORMS_NAMED = 20;

/** What a request for a blob can add. */
export interface BlobOptions {
  /** Bytes to leave out at the beginning. */
  readonly offset?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads images from registries, and believes nothing without its digest. All methods throw `Failure`s:
 * `registry-unreachable`, `registry-timeout`, `dns-failed`, `tls-failed`, `registry-error`, `rate-limited`,
 * `unauthorized`, `forbidden`, `credentials-unavailable`, `interrupted`, and those that they name.
 *
 * @see OCI distribution specification 1.1
 */
export class RegistryClient {
  readonly #transport: Transport;
  readonly #authentication: Authentication;

  constructor(options: Partial<RegistryOptions> = {}) {
    const complete = { ...DEFAULT_OPTIONS, ...options };
    this.#transport = new Transport(complete);
    this.#authentication = new Authentication(this.#transport, complete.credentials);
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    await this.#transport.close();
  }

  /**
   * All tags of the repository, each once, in the registry's order. The tag of `reference` does not matter.
   *
   * @throws Failure `image-unknown`
   */
  async listTags(reference: ImageReference): Promise<string[]> {
    return await listTags(this.#transport, this.#authentication.for(reference), reference);
  }

  /**
   * The manifest that `reference` names, by its digest where it has one, or else by its tag. An index leads to its
   * manifest for `platform`; what is no index is taken for any platform.
   *
   * @throws Failure `image-unknown`, `tag-unknown`, `platform-missing`, `manifest-invalid`, `media-type-unsupported`,
   *   `digest-mismatch`
   */
  async fetchManifest(reference: ImageReference, platform: Platform = LINUX_AMD64): Promise<Manifest> {
    const pinned: Promised[] =
      reference.digest === undefined ? [] : [{ digest: parseDigest(reference.digest), by: 'the reference' }];
    const { bytes, document } = await this.#readManifest(reference, pinned);
    if (document.kind === 'image') return manifestOf(bytes, document);
    const entry = entryFor(document.entries, platform, reference);
    const named = { ...reference, digest: entry.digest };
    const chosen = await this.#readManifest(named, [{ ...entry, by: 'the index' }]);
    if (chosen.document.kind === 'image') return manifestOf(chosen.bytes, chosen.document);
    throw new Failure(
      'media-type-unsupported',
      `the index of ${formatReference(reference)} leads to a further index for ${formatPlatform(platform)}`,
      { hint: 'push the image with an index that lists its manifests' },
    );
  }

  /** @throws Failure `digest-mismatch`, `manifest-invalid` */
  async fetchConfig(reference: ImageReference, manifest: Manifest): Promise<ImageConfig> {
    const { config, layers } = manifest;
    const image = formatReference(reference);
    checkSize(`the config of ${image}`, config.sizeBytes, LARGEST_CONFIG_BYTES);
    const request = {
      url: endpoint(reference, `blobs/${config.digest}`),
      subject: { kind: 'blob', reference, digest: config.digest } as const,
      authorization: this.#authentication.for(reference),
    };
    const limit = { bytes: LARGEST_CONFIG_BYTES, code: 'manifest-invalid' } as const;
    return await this.#transport.read(request, limit, ({ bytes }) => {
      verifyBytes(bytes, { ...config, by: 'the manifest' }, `the config of ${image}`);
      return parseConfig(bytes, layers.length, image);
    });
  }

  /**
   * Starts a blob. Its bytes are as the registry sends them: whoever reads them checks size and digest. They must be
   * iterated, since they hold a connection; leaving the loop ends the request. Iterating throws `registry-error` where the body breaks off, and
   * `registry-timeout` where it stands still.
   *
   * @throws Failure `registry-error` also where `offset` is given and the registry cannot begin there
   */
  async openBlob(
    reference: ImageReference,
    descriptor: Descriptor,
    options: BlobOptions = {},
  ): Promise<AsyncIterable<Uint8Array>> {
    const { offset = 0, signal } = options;
    const subject = { kind: 'blob', reference, digest: descriptor.digest } as const;
    const { status, header, body, discard } = await this.#transport.open({
      url: endpoint(reference, `blobs/${descriptor.digest}`),
      subject,
      authorization: this.#authentication.for(reference),
      headers: offset === 0 ? {} : { range: `bytes=${offset}-` },
      signal,
    });
    const isAtOffset =
      offset === 0 ? status === 200 : header('content-range')?.startsWith(`bytes ${offset}-`) === true;
    if (isAtOffset) return body;
    discard();
    throw new Failure(
      'registry-error',
      `the registry ${reference.registry} does not give ${describeSubject(subject)} from byte ${offset} on`,
      { hint: 'fetch the whole blob' },
    );
  }

  async #readManifest(
    reference: ImageReference,
    promises: readonly Promised[],
  ): Promise<{ bytes: Buffer; document: ManifestDocument }> {
    const subject = { kind: 'manifest', reference } as const;
    const what = describeSubject(subject);
    for (const { sizeBytes } of promises) checkSize(what, sizeBytes ?? 0, LARGEST_MANIFEST_BYTES);
    const request = {
      url: endpoint(reference, `manifests/${versionOf(reference)}`),
      subject,
      authorization: this.#authentication.for(reference),
      headers: { accept: ACCEPTED_MANIFESTS },
    };
    const limit = { bytes: LARGEST_MANIFEST_BYTES, code: 'manifest-invalid' } as const;
    return await this.#transport.read(request, limit, (answer) => {
      for (const promised of [...promises, ...promiseOfHeader(answer)])
        verifyBytes(answer.bytes, promised, what);
      return { bytes: answer.bytes, document: parseManifest(answer.bytes, formatReference(reference)) };
    });
  }
}

function versionOf({ digest, tag }: ImageReference): string {
  const version = digest ?? tag;
  if (version === undefined) throw new Error('an image reference has neither a tag nor a digest');
  return version;
}

/** Digests of other algorithms, which are rare, promise nothing that a pinned digest or an index could confirm. */
function promiseOfHeader({ header }: Document): Promised[] {
  const digest = header('docker-content-digest');
  return digest !== undefined && isDigest(digest) ? [{ digest, by: 'the header Docker-Content-Digest' }] : [];
}

function entryFor(entries: readonly IndexEntry[], platform: Platform, reference: ImageReference): IndexEntry {
  const entry = choosePlatform(entries, platform);
  if (entry !== undefined) return entry;
  const available = listPlatforms(entries).slice(0, MOST_PLATFORMS_NAMED).map(printable).join(', ');
  throw new Failure(
    'platform-missing',
    `${formatReference(reference)} is not there for ${formatPlatform(platform)}, but for: ${available || 'none'}`,
    { hint: `ask for an image that is built for ${formatPlatform(platform)}` },
  );
}

function manifestOf(bytes: Buffer, document: Extract<ManifestDocument, { kind: 'image' }>): Manifest {
  const { mediaType, config, layers } = document;
  return { mediaType, digest: sha256(bytes), bytes, config, layers };
}

function checkSize(what: string, sizeBytes: number, limitBytes: number): void {
  if (sizeBytes <= limitBytes) return;
  throw new Failure(
    'manifest-invalid',
    `${what} has ${sizeBytes} bytes, and at most ${limitBytes} are read`,
    {
      hint: 'no usual image has so much; ask whoever built it',
    },
  );
}
