import type { Stage } from '../tree/image-trees.ts';
import { layerMetadataPath, layerPath, layerRoot } from '../image/layout.ts';
import { hexOf } from '../../core/oci/digest.ts';
import { metadataFile, type Attributes, type Entry } from '../publication/entry.ts';
import type { Output } from './output.ts';

/** Each layer by itself, for the containerd snapshotter and podman: deletions as overlay file systems understand them. */
export const layersOutput: Output = ({ stages, attributes }) =>
  stages.map((stage) => ({
    unit: 'layers',
    hex: hexOf(stage.layer),
    path: layerPath(stage.layer),
    root: layerRoot(stage.layer),
    tree: stage.own.root,
    beside: layerMetadata(stage, attributes),
    files: 'own',
    rules: stage.own.hasForeignLinks ? 2 : 0,
  }));

/** What podman wants to know of a layer: `layers.json` of containers/storage. */
function layerMetadata({ layer, facts }: Stage, attributes: Attributes): Entry[] {
  const { diffId, sizeBytes, blobBytes } = facts;
  const bytes = Buffer.from(
    JSON.stringify([
      {
        id: hexOf(diffId),
        // Those who share the layer know of no such time together.
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
