import type { Outputs } from '../image/image.ts';
import { chainsOutput } from './chains.ts';
import { flatOutput } from './flat.ts';
import { layersOutput } from './layers.ts';
import type { Output } from './output.ts';

/** The outputs that are switched on, in the order in which they must be published: links come after their targets. */
export function enabledOutputs(outputs: Outputs): Output[] {
  return [
    ...(outputs.layers ? [layersOutput] : []),
    ...(outputs.chains ? [chainsOutput] : []),
    ...(outputs.flat ? [flatOutput] : []),
  ];
}
