import assert from 'node:assert/strict';
import { parseReference } from '../../../core/oci/reference.ts';
import { LINUX_AMD64 } from '../../../core/oci/platform.ts';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Composer, type ComposerOptions } from '../../../publisher/compose/composer.ts';
import { TreeLoader } from '../../../publisher/tree/image-trees.ts';
import { ANY_IMAGE } from '../../../publisher/image/image-limits.ts';
import type { ReadyImage } from '../../../publisher/image/image.ts';
import type { Outputs } from '../../../core/outputs.ts';
import { listLayer } from '../../../publisher/layer/listing.ts';
import { ListingStore } from '../../../publisher/layer/listing-store.ts';
import { parseConfig } from '../../../core/oci/config.ts';
import {
  NO_EXPOSURE,
  LINUX_LIMITS,
  type RepositoryCapabilities,
} from '../../../publisher/publication/capabilities.ts';
import { hexOf, type Digest } from '../../../core/oci/digest.ts';
import { parseManifest } from '../../../core/oci/manifest.ts';
import { isFailure, type FailureCode } from '../../../core/failure.ts';
import { image, type ImageConfig } from '../../support/images/image.ts';
import type { LayerEntry } from '../../support/images/layer-entry.ts';
import { layer, type Layer } from '../../support/images/layer.ts';
import { remove, temporaryDirectory } from '../../support/setup.ts';
import { FileIndex } from '../../../publisher/compose/sharing/file-index.ts';
import { indexLayer } from '../../../publisher/compose/sharing/index-layer.ts';
import { MemoryRepository } from './memory-repository.ts';
import { assertSound, readStream, type Stream } from './stream.ts';

/** Of metadata and folders. */
export const OWN = { mode: 0, uid: 11, gid: 12, mtime: 1_800_000_000 };

/** A repository that loses nothing. */
export const HOLDS_EVERYTHING: RepositoryCapabilities = {
  ...LINUX_LIMITS,
  earliestTime: -Infinity,
  latestTime: Infinity,
  largeFileBytes: Infinity,
  mostLinks: Infinity,
  takesAnyBytes: true,
  takesDevices: true,
  changesDirectories: 'in-stream',
  sharesFiles: () => true,
  takesOwner: () => true,
  lostXattrs: () => [],
  xattrsReason: 'for no reason',
  exposes: NO_EXPOSURE,
};

export const EVERYTHING: Omit<ComposerOptions, 'fileIndex'> = {
  convertAgain: false,
  overwriteLayers: false,
  attributes: OWN,
  clientRoot: '/cvmfs/images.unpackd.test',
  capabilities: HOLDS_EVERYTHING,
  limits: ANY_IMAGE,
  onLoss: 'warn',
  sameContent: 'exact',
};

export interface Composed {
  readonly stream: Stream;
  /** Layers that the batch brings, in hexadecimal digits. */
  readonly layers: readonly string[];
  readonly warnings: readonly string[];
  /** By public name, the code of why the podman store could not take an image. */
  readonly withoutPodman: ReadonlyMap<string, FailureCode>;
  /** One for each image: the code of its failure. */
  readonly outcomes: readonly string[];
}

const ALL: Outputs = new Set(['layers', 'chains', 'flat']);

/** `outputs` are those of all images. */
type WorkshopOptions = Partial<ComposerOptions> & { readonly outputs?: Outputs };

/** A place where images are built, listed, and composed onto a repository. */
export class Workshop {
  readonly repository: MemoryRepository;
  readonly #folder: string;
  readonly listings: ListingStore;
  readonly fileIndex: FileIndex;

  private constructor(folder: string, repository: MemoryRepository) {
    this.repository = repository;
    this.#folder = folder;
    this.listings = new ListingStore(join(folder, 'listings'));
    this.fileIndex = new FileIndex(this.listings);
  }

  static async open(repository = new MemoryRepository()): Promise<Workshop> {
    return new Workshop(await temporaryDirectory('compose'), repository);
  }

  /** Removes all that is in it. */
  remove(): void {
    remove(this.#folder);
  }

  /** The same place, with its images, and another repository. */
  over(repository: MemoryRepository): Workshop {
    return new Workshop(this.#folder, repository);
  }

  async layer(...entries: LayerEntry[]): Promise<Layer> {
    return await layer(entries, { compression: 'plain' });
  }

  /** An image that is prepared: its layers are listed, and their blobs are files. */
  async image(publicName: string, layers: readonly Layer[], config: ImageConfig = {}): Promise<ReadyImage> {
    const { manifest, blobs } = image({ layers, config });
    const document = parseManifest(manifest.bytes, publicName);
    assert.ok(document.kind === 'image');
    const files = new Map<Digest, string>();
    for (const { digest, diffId, ...blob } of layers) {
      if (files.has(digest)) continue;
      const path = join(this.#folder, hexOf(digest));
      assert.ok('bytes' in blob);
      await writeFile(path, blob.bytes);
      const listing = await listLayer(path, diffId);
      await indexLayer(digest, listing, this.fileIndex, ANY_IMAGE);
      await this.listings.save(digest, listing);
      files.set(digest, path);
    }
    const [configBlob] = blobs;
    assert.ok(configBlob !== undefined && 'bytes' in configBlob);
    return {
      reference: parseReference(publicName),
      platform: LINUX_AMD64,
      publicName,
      manifest: {
        ...document,
        digest: manifest.digest,
        bytes: manifest.bytes,
        skipped: [],
        index: undefined,
      },
      config: parseConfig(configBlob.bytes, layers.length, publicName),
      outputs: ALL,
      hasVariantLink: false,
      blobs: files,
    };
  }

  /** Composes a batch, checks all that holds for every stream, and publishes it. */
  async publish(images: readonly ReadyImage[], options: WorkshopOptions = {}): Promise<Composed> {
    const composed = await this.compose(images, options);
    await assertSound(this.repository, composed.stream);
    this.repository.apply(composed.stream);
    return composed;
  }

  /** Plans a batch; one for each image: the code of its failure. */
  async plan(
    images: readonly ReadyImage[],
    { outputs = ALL, ...options }: WorkshopOptions = {},
  ): Promise<{ composer: Composer; warnings: string[]; outcomes: string[] }> {
    const composer = new Composer(this.repository, new TreeLoader(this.listings), {
      ...EVERYTHING,
      fileIndex: this.fileIndex,
      ...options,
    });
    const warnings: string[] = [];
    const outcomes: string[] = [];
    for (const one of images) {
      try {
        warnings.push(...(await composer.add({ ...one, outputs })));
        outcomes.push('added');
      } catch (error) {
        if (!isFailure(error)) throw error;
        outcomes.push(error.code);
      }
    }
    return { composer, warnings, outcomes };
  }

  async compose(images: readonly ReadyImage[], options: WorkshopOptions = {}): Promise<Composed> {
    const { composer, warnings, outcomes } = await this.plan(images, options);
    const { publication, warnings: ofAll, leftOut } = await composer.composition();
    const withoutPodman = new Map(leftOut.map(({ publicName, reason }) => [publicName, reason.code]));
    const stream = await readStream(publication);
    const layers = composer.layers.map(hexOf);
    return { stream, layers, warnings: [...warnings, ...ofAll], withoutPodman, outcomes };
  }
}

/** The part of the stream below `path`: `a/`, `b = content`, `c == target`, `d -> target`, `e c 0:0`. */
export function streamBelow({ entries }: Stream, path: string): string[] {
  return entries
    .filter((found) => found.path.startsWith(`${path}/`))
    .map(({ entry, kind, text, path: at }) => {
      const name = at.slice(path.length + 1);
      if (kind === 'directory') return `${name}/`;
      if (kind === 'file') return `${name} = ${text}`;
      if (kind === 'link') return `${name} == ${text}`;
      if (kind === 'symlink') return `${name} -> ${text}`;
      return 'major' in entry ? `${name} ${entry.type} ${entry.major}:${entry.minor}` : name;
    });
}
