import { OUTPUT_FORMS, outputNames } from '../../core/outputs.ts';
import type { TreeName } from './output.ts';

/** Trees that a link's target names, wherever in it: of this repository, or of any that looks like it. */
export function treesNamedIn(target: string): TreeName[] {
  const components = target.split('/');
  return components.flatMap((component, index) => {
    const hex = /^[0-9a-f]{64}/.exec(components[index + 2] ?? '')?.[0];
    if (hex === undefined) return [];
    // The value of a variable begins within a component.
    const kinds = outputNames().filter((name) => component.endsWith(OUTPUT_FORMS[name].folder));
    return kinds.map((kind) => ({ kind, hex }));
  });
}
