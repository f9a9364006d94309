import type { Outputs } from '../../core/outputs.ts';
import { chainsOutput } from './chains.ts';
import { flatOutput } from './flat.ts';
import { layersOutput } from './layers.ts';
import type { Output } from './output.ts';

/** The outputs that are switched on, in the order in which they must be published: links come after their targets. */
export function enabledOutputs(outputs: Outputs): Output[] {
  return [
    ...(outputs.has('layers') ? [layersOutput] : []),
    ...(outputs.has('chains') ? [chainsOutput] : []),
    ...(outputs.has('flat') ? [flatOutput] : []),
  ];
}
