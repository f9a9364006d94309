import { z } from 'zod';
import { hexOf, type Digest } from '../../core/oci/digest.ts';
import { parseIfValid } from '../../core/json.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import { layerDigests, type ReadyImage } from '../image/image.ts';
import { chainIds, chainPath, layerMetadataPath, layerPath } from '../image/layout.ts';
import { metadataFile, type Attributes, type Entry } from '../publication/entry.ts';
import type { RepositoryView } from '../publication/view.ts';
import { areTreesPublished, hasTraces, layerLocation } from '../published/published.ts';
import { CATALOG_MARKER } from '../tree/catalogs.ts';
import type { StackedLayer } from '../tree/image-trees.ts';
import {
  NOTHING_CHANGES,
  NOTHING_PLANNED,
  type Collector,
  type CollectorContext,
  type ImagePlan,
  type Output,
  type OutputChanges,
  type PublishedTree,
  type TreeInput,
} from './output.ts';

/** Each layer by itself, for the containerd snapshotter and podman: deletions as overlay file systems understand them. */
export const layersOutput: Output = {
  name: 'layers',
  trees: layerTrees,
  references: ({ layers }) => layers.map(({ digest }) => ({ kind: 'layers', hex: hexOf(digest) })),
  treeFolder: new Set([
    CATALOG_MARKER,
    'layerfs',
    '.metadata',
    '.metadata/layers.json',
    '.metadata/origin.json',
  ]),
  collect: (context) => new Origins(context),
  isPublished: async (view, image) => await areTreesPublished(view, layerDigests(image).map(layerLocation)),
  hasTraces: async (view, image) => {
    const layers = layerDigests(image);
    const { digest } = image.manifest.config;
    for (const layer of layers) if ((await publishedOrigins(view, layer)).has(digest)) return true;
    for (const layer of layers) if (!(await hasTraces(view, layerLocation(layer)))) return false;
    return layers.length > 0;
  },
};

/** The trees of these layers, each of which is determined by itself. */
export function layerTrees({
  stack,
  attributes,
}: Pick<TreeInput, 'attributes'> & {
  readonly stack: readonly Pick<StackedLayer, 'layer' | 'facts' | 'layerTree'>[];
}): PublishedTree[] {
  return stack.map((stacked) => ({
    ...layerLocation(stacked.layer),
    path: layerPath(stacked.layer),
    rootNode: stacked.layerTree.root,
    metadata: layerMetadata(stacked, attributes),
    files: 'own',
    rules: stacked.layerTree.hasForeignLinks ? 2 : 0,
  }));
}

/** The root file system up to each layer: links onto the layers' files. Made only where layers are published. */
export const chainsOutput: Output = {
  name: 'chains',
  trees: ({ image, stack, linked }) => {
    if (!linked) return [];
    const chains = chainIds(layerDigests(image)).map(chainLocation);
    return chains.flatMap((location, index): PublishedTree[] => {
      const rootNode = stack[index]?.rootfs;
      if (rootNode === undefined) return [];
      return [{ ...location, path: location.root, rootNode, metadata: [], files: 'linked', rules: 0 }];
    });
  },
  references: ({ layers }) => {
    const all = layers.map(({ digest }) => digest);
    const distributed = layers.filter(({ isForeign }) => !isForeign).map(({ digest }) => digest);
    const ids = distributed.length === all.length ? [] : chainIds(distributed);
    return [...chainIds(all), ...ids].map((chain) => ({ kind: 'chains', hex: hexOf(chain) }));
  },
  isPublished: async (view, image) => {
    const top = chainIds(layerDigests(image)).at(-1);
    return top === undefined || (await areTreesPublished(view, [chainLocation(top)]));
  },
  hasTraces: async (view, image) => {
    const top = chainIds(layerDigests(image)).at(-1);
    return top !== undefined && (await hasTraces(view, chainLocation(top)));
  },
};

function chainLocation(chain: Digest) {
  return { kind: 'chains', hex: hexOf(chain), root: chainPath(chain) } as const;
}

/** `layers.json` of containers/storage. */
function layerMetadata(
  { layer, facts }: Pick<StackedLayer, 'layer' | 'facts'>,
  attributes: Attributes,
): Entry[] {
  const { diffId, sizeBytes, blobBytes } = facts;
  const bytes = Buffer.from(
    JSON.stringify([
      {
        id: hexOf(diffId),
        // Images that share the layer have no such time in common.
        created: '1970-01-01T00:00:00Z',
        'compressed-diff-digest': layer,
        'compressed-size': blobBytes,
        'diff-digest': diffId,
        'diff-size': sizeBytes,
      },
    ]),
  );
  const folder = layerMetadataPath(layer);
  const path = `${folder}/layers.json`;
  return [
    { type: 'directory', path: layerPath(layer), attributes: { ...attributes, mode: 0o755 } },
    { type: 'directory', path: folder, attributes: { ...attributes, mode: 0o755 } },
    metadataFile(path, bytes, attributes),
  ];
}

/** The list of a base grows with each image on it: beyond this, the manifests say which images have the layer. */
const MOST_ORIGINS = 10_000;

/** Collects which images use each layer. */
class Origins implements Collector {
  readonly #context: CollectorContext;
  readonly #origins = new Map<Digest, Set<string>>();

  constructor(context: CollectorContext) {
    this.#context = context;
  }

  async plan(image: ReadyImage): Promise<ImagePlan> {
    if (!image.outputs.has('layers')) return NOTHING_PLANNED;
    const layers = layerDigests(image);
    const known = new Map<Digest, Set<string>>();
    for (const layer of layers)
      known.set(layer, this.#origins.get(layer) ?? (await publishedOrigins(this.#context.view, layer)));
    return {
      ...NOTHING_PLANNED,
      entries: layers.map((layer) => ({ path: originPath(layer), type: 'file' })),
      take: () => {
        for (const [layer, origins] of known) {
          if (origins.size < MOST_ORIGINS) origins.add(image.manifest.config.digest);
          this.#origins.set(layer, origins);
        }
      },
    };
  }

  async changes(): Promise<OutputChanges> {
    const { attributes } = this.#context;
    const metadata = Array.from(this.#origins, ([layer, origins]) => {
      const bytes = Buffer.from(JSON.stringify({ origin: [...origins] }));
      return metadataFile(originPath(layer), bytes, attributes);
    });
    return await Promise.resolve({ ...NOTHING_CHANGES, metadata });
  }
}

function originPath(layer: Digest): BytePath {
  return `${layerMetadataPath(layer)}/origin.json`;
}

const Origin = z.object({ origin: z.array(z.string()) });

/** A file that cannot be read is written anew. */
async function publishedOrigins(view: RepositoryView, layer: Digest): Promise<Set<string>> {
  return new Set(parseIfValid(Origin, await view.read(originPath(layer)))?.origin);
}
