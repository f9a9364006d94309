import { layerDigests } from '../image/image.ts';
import { chainIds, chainPath } from '../image/layout.ts';
import { hexOf } from '../../core/oci/digest.ts';
import type { Output } from './output.ts';

/** The root file system up to each layer: links onto the layers' files. Made only where layers are published. */
export const chainsOutput: Output = ({ image, stages, linked }) => {
  if (!linked) return [];
  return chainIds(layerDigests(image)).flatMap((chain, index) => {
    const stage = stages[index];
    if (stage === undefined) return [];
    const path = chainPath(chain);
    return [
      {
        unit: 'chains',
        hex: hexOf(chain),
        path,
        root: path,
        tree: stage.merged,
        beside: [],
        files: 'linked',
        rules: 0,
      },
    ];
  });
};
