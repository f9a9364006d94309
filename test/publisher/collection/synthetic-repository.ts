import { hash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { OUTPUT_FORMS, type OutputName } from '../../../core/outputs.ts';
import { hexOf, type Digest } from '../../../core/oci/digest.ts';
import { ANY_IMAGE } from '../../../publisher/image/image-limits.ts';
import {
  chainIds,
  flatId,
  flatPath,
  layerPath,
  layerRoot,
  manifestPath,
  recordPath,
  treePath,
} from '../../../publisher/image/layout.ts';
import {
  encodeRecord,
  imageRecordPath,
  type ImageRecord,
} from '../../../publisher/outputs/podman/image-record.ts';
import { marksOf } from '../../../publisher/outputs/podman/marks.ts';
import {
  documentPath,
  imagesJsonPath,
  layerFolder,
  layersJsonPath,
  linkPath,
  linkTarget,
  lockPath,
  namesFor,
  storeRoot,
} from '../../../publisher/outputs/podman/paths.ts';
import { lockOf, serializeIndex } from '../../../publisher/outputs/podman/store-index.ts';
import { storeOf, type PublishedImage } from '../../../publisher/outputs/podman/store.ts';
import type { PublishingSetup } from '../../../publisher/pipeline/context.ts';
import { RepositoryPublisher } from '../../../publisher/pipeline/repository-publisher.ts';
import { RECORD } from '../../../publisher/published/published.ts';
import { DirectoryBackend } from '../../../publisher/repository/directory/backend.ts';
import { SpoolBudget } from '../../../publisher/spool/budget.ts';
import { Spool } from '../../../publisher/spool/spool.ts';
import { uninterrupted } from '../repository/entries.ts';

export const REPOSITORY = 'collected.unpackd.test';
export const FOREIGN = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';

function recordOf(name: string, config: Digest, layers: readonly string[]): ImageRecord {
  return {
    name,
    config: { digest: config, size: 1 },
    manifest: { digest: digestOf(`manifest ${layers.join()}`), size: 1 },
    created: '2024-01-01T00:00:00.000Z',
    layers: layers.map((layer) => {
      const diffId = digestOf(`content ${layer}`);
      return { digest: digestOf(layer), size: 1, diffId, diffSize: 1, compression: 'gzip' };
    }),
  };
}

const TREE_KINDS = ['layers', 'chains', 'flat'] as const;

export function digestOf(text: string): Digest {
  return `sha256:${hash('sha256', text)}`;
}

/** An image of {@link SyntheticRepository}: everything of it follows from the names of its layers. */
export interface SyntheticImage {
  readonly config: Digest;
  /** Names of the trees that it has. */
  readonly trees: readonly string[];
  /** Names of the parts that it has in the podman store, among the marks. */
  readonly parts: readonly string[];
}

/** A repository in a plain directory, with images that need not be built: made as fast as files can be. */
export class SyntheticRepository {
  readonly #root: string;
  readonly #published: PublishedImage[] = [];

  constructor(root: string) {
    this.#root = root;
    mkdirSync(this.path('.metadata'), { recursive: true });
  }

  path(path = ''): string {
    return join(this.#root, REPOSITORY, path);
  }

  /** @param layers names of layers, lowest first; those that begin with `foreign` are such layers, and are left out */
  image(name: string, layers: readonly string[], configName = layers.join()): SyntheticImage {
    const config = digestOf(configName);
    const isForeign = (layer: string): boolean => layer.startsWith('foreign');
    const own = layers.filter((layer) => !isForeign(layer)).map(digestOf);
    const skipped = layers.flatMap((layer, index) => (isForeign(layer) ? [index] : []));
    const flat = flatId({ config: { digest: config }, skipped });
    const trees: [OutputName, Digest][] = [
      ...own.map((layer): [OutputName, Digest] => ['layers', layer]),
      ...chainIds(own).map((chain): [OutputName, Digest] => ['chains', chain]),
      ['flat', flat],
    ];
    for (const [kind, digest] of trees) this.tree(kind, hexOf(digest));
    const described = layers.map((layer) => ({
      digest: digestOf(layer),
      ...(isForeign(layer) ? { mediaType: FOREIGN } : {}),
    }));
    this.file(manifestPath(name), JSON.stringify({ config: { digest: config }, layers: described }));
    this.link(name, relative(dirname(name), flatPath(flat)));
    const record = recordOf(name, config, layers);
    this.#published.push({ publicName: name, record });
    return {
      config,
      trees: trees.map(([kind, digest]) => `${kind}/${hexOf(digest)}`),
      parts: [...marksOf(name, record)],
    };
  }

  /** Makes the podman store of all images so far. */
  store(): void {
    for (const { publicName, record } of this.#published)
      this.file(imageRecordPath(publicName), encodeRecord(record));
    const store = storeOf(this.#published);
    const root = storeRoot('');
    for (const { id, record } of store.layers.values()) {
      const folder = layerFolder(root, id);
      const [short = ''] = namesFor(id);
      this.link(`${folder}/diff`, `/cvmfs/${REPOSITORY}/${layerRoot(record.digest)}`);
      this.file(`${folder}/link`, short);
      mkdirSync(this.path(`${folder}/merged`));
      this.link(linkPath(root, short), linkTarget(id));
    }
    for (const { id, documents } of store.images.values())
      for (const key of documents.keys()) this.file(documentPath(root, id, key), key);
    const { images, layers } = serializeIndex(store);
    for (const [path, bytes] of [
      [imagesJsonPath(root), images],
      [layersJsonPath(root), layers],
    ] as const) {
      this.file(path, bytes);
      this.file(lockPath(path), lockOf(bytes));
    }
  }

  /** Takes the name of an image away, as a removal does. */
  remove(name: string): void {
    for (const path of [dirname(manifestPath(name)), name]) rmSync(this.path(path), { recursive: true });
  }

  /** Path of the folder of a layer. */
  layer(name: string): string {
    return layerPath(digestOf(name));
  }

  delete(path: string): void {
    rmSync(this.path(path), { recursive: true });
  }

  tree(kind: OutputName, hex: string): void {
    const root = treePath(kind, hex);
    if (existsSync(this.path(root))) return;
    this.file(`${root}/${kind === 'layers' ? 'layerfs/' : ''}file`, hex);
    this.file(recordPath(kind, hex), RECORD);
  }

  file(path: string, content: string | Uint8Array = ''): void {
    mkdirSync(dirname(this.path(path)), { recursive: true });
    writeFileSync(this.path(path), content);
  }

  link(path: string, target: string): void {
    mkdirSync(dirname(this.path(path)), { recursive: true });
    rmSync(this.path(path), { force: true });
    symlinkSync(target, this.path(path));
  }

  move(from: string, to: string): void {
    renameSync(this.path(from), this.path(to));
  }

  /** Whether something is there, be it a link to nothing. */
  has(path: string): boolean {
    return lstatSync(this.path(path), { throwIfNoEntry: false }) !== undefined;
  }

  read(path: string): string | undefined {
    return existsSync(this.path(path)) ? readFileSync(this.path(path), 'utf8') : undefined;
  }

  /** Names of all trees that are there, whether they have a record or not. */
  trees(): string[] {
    const foldersIn = (path: string): string[] =>
      readdirSync(path, { withFileTypes: true }).flatMap((child) =>
        child.isDirectory() ? [child.name] : [],
      );
    return TREE_KINDS.flatMap((kind) => {
      const top = this.path(OUTPUT_FORMS[kind].folder);
      if (!existsSync(top)) return [];
      return foldersIn(top).flatMap((prefix) =>
        foldersIn(join(top, prefix)).flatMap((hex) => (hex.length === 64 ? [`${kind}/${hex}`] : [])),
      );
    });
  }

  async publisher(): Promise<RepositoryPublisher> {
    const setup = {
      repository: REPOSITORY,
      backend: new DirectoryBackend({ root: this.#root, waitMs: 60_000, allowPrivileged: false }),
      spool: await Spool.open(join(this.#root, 'spool')),
      budget: new SpoolBudget(1),
      observe: () => undefined,
      signal: uninterrupted().signal,
      options: {
        batches: { bytes: 1, images: 1, ageMs: 0 },
        downloads: 1,
        clientRoot: `/cvmfs/${REPOSITORY}`,
        imageLimits: ANY_IMAGE,
      },
    };
    return new RepositoryPublisher(setup as unknown as PublishingSetup);
  }
}
