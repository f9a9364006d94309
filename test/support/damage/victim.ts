import { readFileSync } from 'node:fs';
import { hexOf, sha256, type Digest } from '../../../core/oci/digest.ts';
import { chainIds, chainPath, flatPath, layerPath, recordPath } from '../../../publisher/image/layout.ts';
import { documentPath, imageFolder, layerFolder } from '../../../publisher/outputs/podman/paths.ts';
import { layerIds } from '../../../publisher/outputs/podman/store.ts';
import type { Image } from '../images/image.ts';
import type { Site } from '../e2e/site.ts';

/** A published image that is about to be broken, and where its parts are, relative to the repository. */
export class Victim {
  readonly site: Site;
  /** Its public name. */
  readonly name: string;
  readonly config: Digest;
  readonly #layers: readonly Digest[];
  readonly #diffIds: readonly Digest[];

  constructor(site: Site, name: string, { layers, blobs }: Image) {
    this.site = site;
    this.name = name;
    this.#layers = layers.map(({ digest }) => digest);
    this.#diffIds = layers.map(({ diffId }) => diffId);
    const config = blobs.find(({ digest }) => !this.#layers.includes(digest));
    if (config === undefined) throw new Error(`${name} has no config`);
    this.config = config.digest;
  }

  at(path: string): string {
    return this.site.path(path);
  }

  read(path: string): string {
    return readFileSync(this.at(path), 'utf8');
  }

  /** In the tree of a layer, the lowest of which is 0. */
  layer(index: number, path = ''): string {
    return below(`${layerPath(this.#layer(index))}/layerfs`, path);
  }

  /** Beside that tree. */
  besideLayer(index: number, path = ''): string {
    return below(layerPath(this.#layer(index)), path);
  }

  flat(path = ''): string {
    return below(flatPath(this.config), path);
  }

  chain(index: number, path = ''): string {
    const chain = chainIds(this.#layers)[index];
    if (chain === undefined) throw new Error(`${this.name} has no chain ${index}`);
    return below(chainPath(chain), path);
  }

  layerRecord(index: number): string {
    return recordPath('layers', hexOf(this.#layer(index)));
  }

  flatRecord(): string {
    return recordPath('flat', hexOf(this.config));
  }

  metadata(file: string): string {
    return `.metadata/${this.name}/${file}`;
  }

  /** In the folder of a layer in podman's store. */
  podmanLayer(index: number, path = ''): string {
    const id = layerIds(this.#diffIds)[index];
    if (id === undefined) throw new Error(`${this.name} has no layer ${index}`);
    return below(layerFolder('podmanStore', id), path);
  }

  /** The link by the short name of a layer in podman's store. */
  podmanLink(index: number): string {
    return `podmanStore/overlay/l/${this.read(this.podmanLayer(index, 'link'))}`;
  }

  podmanImage(path = ''): string {
    return below(imageFolder('podmanStore', hexOf(this.config)), path);
  }

  podmanConfig(): string {
    return documentPath('podmanStore', hexOf(this.config), this.config);
  }

  /** What the lock file beside the list at `path` has to hold. */
  lockOf(path: string): string {
    return hexOf(sha256(readFileSync(this.at(path))));
  }

  #layer(index: number): Digest {
    const layer = this.#layers[index];
    if (layer === undefined) throw new Error(`${this.name} has no layer ${index}`);
    return layer;
  }
}

function below(folder: string, path: string): string {
  return path === '' ? folder : `${folder}/${path}`;
}
