import { Failure } from '../../../core/failure.ts';
import { parseConfig, type ImageConfig } from '../../../core/oci/config.ts';
import { parseManifest, type Manifest, type ManifestOutline } from '../../../core/oci/manifest.ts';
import { formatReference, type ImageReference, type TagList } from '../../../core/oci/reference.ts';
import type { RegistryClient } from '../../../publisher/registry/client.ts';
import type { Presence } from '../../../publisher/registry/tag-presence.ts';
import type { ModelImage } from './images.ts';

/**
 * - `up`;
 * - `broken`: each answer is an error;
 * - `denied`: the login is good for nothing;
 * - `cut`: lists lack their second half, and say so;
 * - `empty`: lists are whole, and have nothing;
 * - `lost`: it came up without its storage.
 */
export const MODES = ['up', 'broken', 'denied', 'cut', 'empty', 'lost'] as const;
export type Mode = (typeof MODES)[number];

export const HOSTS = ['a.test', 'b.test'] as const;
export const REPOSITORY = 'lab/app';

/** All public names that there can be. */
export const NAMES: readonly string[] = HOSTS.flatMap((host) =>
  ['1', '2', '3'].map((tag) => `${host}/${REPOSITORY}:${tag}`),
);

interface Registry {
  mode: Mode;
  readonly tags: Map<string, ModelImage>;
}

/**
 * Registries in this process, each with one repository, and the client that asks them: it answers as that of the program does, whose
 * understanding of what registries say has tests of its own.
 */
export class ModelRegistries {
  readonly #registries = new Map<string, Registry>(
    HOSTS.map((host) => [host, { mode: 'up', tags: new Map() }]),
  );
  readonly #images: readonly ModelImage[];

  constructor(images: readonly ModelImage[]) {
    this.#images = images;
  }

  of(host: string): Registry {
    const found = this.#registries.get(host);
    if (found === undefined) throw new Error(`there is no registry ${host}`);
    return found;
  }

  all(): IterableIterator<Registry> {
    return this.#registries.values();
  }

  /** The part of a client that publishing needs. */
  client(): RegistryClient {
    const client: Pick<
      RegistryClient,
      'listTags' | 'presenceOf' | 'fetchManifest' | 'fetchDocuments' | 'fetchConfig' | 'openBlob' | 'tooSlow'
    > = {
      listTags: async (reference) => await Promise.resolve(this.#list(reference)),
      presenceOf: async (reference, tags) =>
        await Promise.resolve(new Map(tags.map((tag) => [tag, this.#presence(reference, tag)]))),
      fetchManifest: async (reference) => await Promise.resolve(this.#manifest(reference)),
      fetchDocuments: async (reference, outline) =>
        await Promise.resolve(this.#manifest({ ...reference, digest: outline.digest })),
      fetchConfig: async (reference, outline) => await Promise.resolve(this.#config(reference, outline)),
      openBlob: async (reference, { digest }) => {
        this.#answering(reference);
        const blob = this.#images.flatMap(({ image }) => image.blobs).find((one) => one.digest === digest);
        if (blob === undefined || !('bytes' in blob)) throw new Failure('blob-unknown', `no blob ${digest}`);
        return await Promise.resolve(
          (async function* () {
            yield blob.bytes;
          })(),
        );
      },
      tooSlow: () => undefined,
    };
    return client as RegistryClient;
  }

  #list(reference: ImageReference): TagList {
    const { mode, tags } = this.#answering(reference);
    if (mode === 'lost') throw new Failure('image-unknown', 'there is no such repository');
    const all = [...tags.keys()].sort();
    if (mode === 'empty') return { tags: [], isWhole: true };
    return mode === 'cut'
      ? { tags: all.slice(0, all.length / 2), isWhole: false }
      : { tags: all, isWhole: true };
  }

  #presence({ registry }: ImageReference, tag: string): Presence {
    const { mode, tags } = this.of(registry);
    if (mode === 'broken' || mode === 'denied' || mode === 'lost') return 'unsure';
    if (tags.has(tag)) return 'there';
    return mode === 'cut' ? 'unsure' : 'gone';
  }

  #manifest(reference: ImageReference): Manifest {
    const { mode, tags } = this.#answering(reference);
    const { digest, tag = 'latest' } = reference;
    const found =
      digest === undefined
        ? tags.get(tag)
        : this.#images.find(({ image: { manifest } }) => manifest.digest === digest);
    if (found === undefined || mode === 'lost')
      throw new Failure('tag-unknown', `there is no ${formatReference(reference)}`);
    const { bytes, digest: own } = found.image.manifest;
    const document = parseManifest(bytes, formatReference(reference));
    if (document.kind !== 'image') throw new Error('no index is pushed');
    const { mediaType, config, layers } = document;
    return { mediaType, digest: own, index: undefined, config, layers, skipped: [], bytes };
  }

  #config(reference: ImageReference, { config, layers }: ManifestOutline): ImageConfig {
    this.#answering(reference);
    const blob = this.#images
      .flatMap(({ image }) => image.blobs)
      .find(({ digest }) => digest === config.digest);
    if (blob === undefined || !('bytes' in blob)) throw new Failure('blob-unknown', `no ${config.digest}`);
    return parseConfig(blob.bytes, layers.length, formatReference(reference));
  }

  #answering({ registry }: ImageReference): Registry {
    const found = this.of(registry);
    if (found.mode === 'broken') throw new Failure('registry-error', `${registry} is broken`);
    if (found.mode === 'denied') throw new Failure('unauthorized', `${registry} lets nobody in`);
    return found;
  }
}
