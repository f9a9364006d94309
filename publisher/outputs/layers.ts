import type { Stage } from '../compose/image-trees.ts';
import { layerMetadataPath, layerPath, layerRoot } from '../layout.ts';
import { hexOf } from '../registry/digest.ts';
import { ownFile, type Entry } from '../repository/entry.ts';
import type { Output, OutputInput } from './output.ts';

/** Each layer by itself, for the containerd snapshotter and podman: deletions as overlay file systems understand them. */
export const layersOutput: Output = (input) =>
  input.stages.map((stage, index) => ({
    unit: 'layers',
    hex: hexOf(stage.layer),
    path: layerPath(stage.layer),
    root: layerRoot(stage.layer),
    tree: stage.own.root,
    beside: layerMetadata(input, stage, index),
    files: 'own',
    rules: stage.own.hasForeignLinks ? 2 : 0,
  }));

/** What podman wants to know of a layer: `layers.json` of containers/storage. */
function layerMetadata({ image, attributes }: OutputInput, stage: Stage, index: number): Entry[] {
  const descriptor = image.manifest.layers[index];
  const diffId = image.config.diffIds[index];
  if (descriptor === undefined || diffId === undefined)
    throw new Error('an image has a diff ID for each layer');
  const bytes = Buffer.from(
    JSON.stringify([
      {
        id: hexOf(diffId),
        // Those who share the layer know of no such time together.
        created: '1970-01-01T00:00:00Z',
        'compressed-diff-digest': descriptor.digest,
        'compressed-size': descriptor.sizeBytes,
        'diff-digest': diffId,
        'diff-size': stage.diffSizeBytes,
      },
    ]),
  );
  const folder = layerMetadataPath(stage.layer);
  const path = `${folder}/layers.json`;
  return [
    { type: 'directory', path: layerPath(stage.layer), attributes: { ...attributes, mode: 0o755 } },
    { type: 'directory', path: folder, attributes: { ...attributes, mode: 0o755 } },
    ownFile(path, bytes, attributes),
  ];
}
