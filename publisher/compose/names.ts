import { z } from 'zod';
import { layerDigests, type ReadyImage } from '../image/image.ts';
import { layerMetadataPath, manifestPath, platformFolder } from '../image/layout.ts';
import { isVariantTarget, aliasLinks, type PublicLink } from '../image/public-links.ts';
import { RECORD } from '../published/published.ts';
import type { Digest } from '../../core/oci/digest.ts';
import {
  metadataFile,
  type Attributes,
  type Entry,
  type FileEntry,
  type SymbolicLinkEntry,
} from '../publication/entry.ts';
import { type BytePath } from '../../core/system/byte-path.ts';
import type { RepositoryView } from '../publication/view.ts';
import { parseIfValid } from '../../core/json.ts';

/** Whoever wants to know all images that have a layer asks their manifests: the list of a base grows with each image on it. */
const MOST_ORIGINS = 10_000;

const Origin = z.object({ origin: z.array(z.string()) });

/** What becomes of the image's names, with the links by which users find it. */
export function nameEntries(image: ReadyImage, links: readonly PublicLink[]): Pick<Entry, 'path' | 'type'>[] {
  const { outputs } = image;
  return [
    ...(outputs.has('layers')
      ? layerDigests(image).map((layer) => ({ path: originPath(layer), type: 'file' as const }))
      : []),
    { path: manifestPath(image.publicName), type: 'file' },
    ...links.map(({ path }) => ({ path, type: 'symlink' as const })),
  ];
}

/** Collects what makes a batch visible: the images that use each layer, manifests, and public names. */
export class Names {
  readonly #attributes: Attributes;
  readonly #origins = new Map<Digest, Set<string>>();
  readonly #manifests: FileEntry[] = [];
  /** By their paths: all platforms of an image have its plain name. */
  readonly #links = new Map<BytePath, SymbolicLinkEntry>();
  readonly #platformFolders = new Set<BytePath>();

  constructor(attributes: Attributes) {
    this.#attributes = attributes;
  }

  /** All of the image's names, or none where something of `view` cannot be read. */
  async add(image: ReadyImage, links: readonly PublicLink[], view: RepositoryView): Promise<void> {
    const { publicName, manifest, outputs } = image;
    const known = new Map<Digest, Set<string>>();
    for (const layer of outputs.has('layers') ? layerDigests(image) : [])
      known.set(layer, this.#origins.get(layer) ?? (await publishedOrigins(view, layer)));
    for (const [layer, origins] of known) {
      if (origins.size < MOST_ORIGINS) origins.add(manifest.config.digest);
      this.#origins.set(layer, origins);
    }
    this.#manifests.push(this.#file(manifestPath(publicName), manifest.bytes));
    for (const link of links) this.#links.set(link.path, this.#link(link));
    if (image.hasVariantLink) this.#platformFolders.add(platformFolder(image.platform));
  }

  /** In the order in which they are to be published, `stores` being what makes podman stores visible: public names last. */
  async entries(
    records: readonly BytePath[],
    stores: readonly Entry[],
    view: RepositoryView,
  ): Promise<Entry[]> {
    const folders = this.#platformFolders;
    const aliases = folders.size === 0 ? [] : await aliasLinks(view, folders);
    return [
      ...[...this.#origins].map(([layer, origins]) => this.#origin(layer, origins)),
      ...records.map((path) => this.#file(path, RECORD)),
      ...this.#manifests,
      ...stores,
      ...aliases.map((link) => this.#link(link)),
      ...this.#links.values(),
    ];
  }

  #origin(layer: Digest, origins: Set<string>): FileEntry {
    return this.#file(originPath(layer), Buffer.from(JSON.stringify({ origin: [...origins] })));
  }

  #link({ path, target }: PublicLink): SymbolicLinkEntry {
    const attributes = { ...this.#attributes, mode: 0o777 };
    return { type: 'symlink', path, attributes, target, isVariant: isVariantTarget(target) };
  }

  #file(path: BytePath, bytes: Buffer): FileEntry {
    return metadataFile(path, bytes, this.#attributes);
  }
}

/** Which images use the layer. */
function originPath(layer: Digest): BytePath {
  return `${layerMetadataPath(layer)}/origin.json`;
}

/** What cannot be read is written anew. */
async function publishedOrigins(view: RepositoryView, layer: Digest): Promise<Set<string>> {
  const bytes = await view.read(originPath(layer));
  const found = bytes === undefined ? undefined : parseIfValid(Origin, bytes);
  return new Set(found?.origin);
}
