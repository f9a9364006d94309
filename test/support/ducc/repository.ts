import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { hexOf, type Digest } from '../../../core/oci/digest.ts';
import {
  chainIds,
  chainPath,
  flatPath,
  layerMetadataPath,
  layerPath,
  layerRoot,
  manifestPath,
} from '../../../publisher/image/layout.ts';
import { image, type Image, type ImageConfig } from '../images/image.ts';
import type { LayerEntry } from '../images/layer-entry.ts';
import { layer } from '../images/layer.ts';
import { applyLayer, copyTree, writeLayer } from './tree.ts';

/** An image with the entries of its layers, lowest first, which DUCC unpacks. */
export interface DuccImage {
  readonly image: Image;
  readonly layers: readonly (readonly LayerEntry[])[];
}

export async function duccImage(layers: DuccImage['layers'], config: ImageConfig = {}): Promise<DuccImage> {
  const made = await Promise.all(layers.map(async (entries) => await layer(entries)));
  return { image: image({ layers: made, config }), layers };
}

interface Names {
  /** Name of the folder below `.metadata`. */
  readonly metadata: string;
  /** Public name, a link to the flat tree. */
  readonly link: string;
}

/** The names that DUCC 2.12 gives to an image that is asked for by its tag. */
export function byTag(name: string): Names {
  return { metadata: name, link: name };
}

/** The names of 2.12 for one that is asked for by its digest: all of a repository share their metadata. */
export function byDigest(repository: string, digest: Digest): Names {
  return { metadata: repository, link: `${repository}:${digest}` };
}

/** The names of 2.14 for one platform of an image. */
export function byPlatform(name: string, folder: string): Names {
  return { metadata: `.multiarch/${folder}/${name}`, link: `.multiarch/${folder}/${name}` };
}

interface PodmanLayer {
  readonly id: string;
  readonly parent?: string;
}

/**
 * A directory as DUCC 2.12 leaves a repository, measured on one that it filled: manifests in its own spelling, deletions as
 * files in layers, catalog markers within these, no attributes of the image's, flat trees with start-up files of 2017, and a podman store whose
 * layers are named by their content alone. It has what adopting depends on.
 */
export class DuccRepository {
  readonly #root: string;
  readonly #images: object[] = [];
  readonly #layers = new Map<string, PodmanLayer>();

  constructor(root: string) {
    this.#root = root;
  }

  /** Publishes an image, or what an earlier one published under the same name anew. */
  publish({ image: { manifest, layers: blobs }, layers }: DuccImage, { metadata, link }: Names): void {
    const document = JSON.parse(manifest.bytes.toString()) as Document;
    const config = document.config.digest;
    for (const [index, entries] of layers.entries()) {
      const blob = blobs[index];
      if (blob === undefined) throw new Error('an image lacks a layer');
      this.#publishLayer(blob.digest, blob.diffId, entries);
    }
    const chain = this.#publishChains(
      blobs.map(({ digest }) => digest),
      layers,
    );
    this.#put(manifestPath(metadata), JSON.stringify(spelledByDucc(document)));
    this.#publishFlat(chain, config);
    this.link(link, posix.relative(posix.dirname(link), flatPath(config)));
    this.#publishForPodman(metadata, { config, diffIds: blobs.map(({ diffId }) => hexOf(diffId)), blobs });
  }

  /** Puts a directory in the place of a file of an image's flat tree, as `cvmfs_server overlay` of 2.14 may leave one. */
  spoilFlat({ image: { manifest } }: DuccImage, path: string): void {
    const { config } = JSON.parse(manifest.bytes.toString()) as Document;
    const at = `${flatPath(config.digest)}/${path}`;
    rmSync(this.#at(at));
    this.#put(`${at}/left`, '');
  }

  /** Cuts the manifest of an image short. */
  spoilManifest(name: string): void {
    this.#put(manifestPath(name), '{"SchemaVersion":2,');
  }

  link(path: string, target: string): void {
    const at = this.#at(path);
    rmSync(at, { force: true });
    symlinkSync(target, at);
  }

  /** A tree as cvmfs-singularity-sync publishes one, with its name. */
  publishOfOsg(name: string, text: string): void {
    const tree = `.images/ab/${'cd'.repeat(31)}`;
    this.#put(`${tree}/etc/release`, text);
    this.link(name, `/cvmfs/singularity.opensciencegrid.org/${tree}`);
  }

  #publishLayer(digest: Digest, diffId: Digest, entries: readonly LayerEntry[]): void {
    writeLayer(this.#at(layerRoot(digest)), entries);
    const facts = {
      id: hexOf(diffId),
      'compressed-diff-digest': digest,
      'diff-digest': diffId,
      'diff-size': 1,
    };
    this.#put(`${layerMetadataPath(digest)}/layers.json`, JSON.stringify([facts], undefined, 1));
    this.#put(`${dirname(layerPath(digest))}/.cvmfscatalog`, '');
  }

  #publishChains(digests: readonly Digest[], layers: DuccImage['layers']): string {
    let below: string | undefined;
    for (const [index, chain] of chainIds(digests).entries()) {
      const at = this.#at(chainPath(chain));
      if (below !== undefined) copyTree(below, at);
      applyLayer(at, layers[index] ?? []);
      below = at;
    }
    if (below === undefined) throw new Error('an image has no layers');
    return below;
  }

  #publishFlat(chain: string, config: Digest): void {
    const flat = flatPath(config);
    copyTree(chain, this.#at(flat));
    this.#put(`${flat}/.singularity.d/actions/exec`, '#!/bin/sh\nexec "$@"\n');
    this.#put(`${flat}/.singularity.d/runscript`, '#!/bin/sh\n');
    this.link(`${flat}/.exec`, '.singularity.d/actions/exec');
  }

  #publishForPodman(
    name: string,
    { config, diffIds, blobs }: { config: Digest; diffIds: readonly string[]; blobs: Image['layers'] },
  ): void {
    const store = 'podmanStore';
    for (const [index, id] of diffIds.entries()) {
      const parent = diffIds[index - 1];
      if (!this.#layers.has(id)) this.#layers.set(id, { id, ...(parent !== undefined && { parent }) });
      const layerId = blobs[index]?.digest ?? config;
      this.link(`${store}/overlay/${id}/diff`, `../../../${layerRoot(layerId)}`);
      this.#put(`${store}/overlay/${id}/link`, id.slice(0, 26).toUpperCase());
      if (parent !== undefined)
        this.#put(`${store}/overlay/${id}/lower`, `l/${parent.slice(0, 26).toUpperCase()}`);
    }
    const id = hexOf(config);
    this.#images.push({ id, names: [name], layer: diffIds.at(-1) });
    this.link(`${store}/overlay-images/${id}/manifest`, `../../../${manifestPath(name)}`);
    for (const [list, items] of [
      ['images', this.#images],
      ['layers', [...this.#layers.values()]],
    ] as const) {
      this.#put(`${store}/overlay-${list}/${list}.json`, JSON.stringify(items, undefined, 1));
      this.#put(`${store}/overlay-${list}/${list}.lock`, '');
    }
  }

  #put(path: string, text: string): void {
    writeFileSync(this.#at(path), text);
  }

  #at(path: string): string {
    const at = join(this.#root, path);
    mkdirSync(dirname(at), { recursive: true });
    return at;
  }
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
}

interface Document {
  readonly schemaVersion: number;
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** As Go writes the fields of DUCC's types, which are all that it keeps. */
function spelledByDucc({ schemaVersion, mediaType, config, layers }: Document): object {
  const spelled = ({ mediaType: MediaType, size: Size, digest: Digest }: Descriptor) => ({
    MediaType,
    Size,
    Digest,
  });
  return {
    SchemaVersion: schemaVersion,
    MediaType: mediaType,
    Config: spelled(config),
    Layers: layers.map(spelled),
  };
}
