import { OUTPUT_FORMS, outputNames } from '../../core/outputs.ts';
import type { TreeName } from './output.ts';

const TREE = /\/[0-9a-f]{2}\/([0-9a-f]{64})/g;

/** Trees that a link's target names, wherever in it: of this repository, or of any that looks like it. */
export function treesNamedIn(target: string): TreeName[] {
  const trees: TreeName[] = [];
  for (const { index, 1: hex = '' } of target.matchAll(TREE)) {
    const component = target.slice(target.lastIndexOf('/', index - 1) + 1, index);
    for (const kind of outputNames())
      // The value of a variable begins within a component.
      if (component.endsWith(OUTPUT_FORMS[kind].folder)) trees.push({ kind, hex });
  }
  return trees;
}
