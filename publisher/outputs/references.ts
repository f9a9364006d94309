import type { PublishedManifest } from '../published/published-manifest.ts';
import type { TreeName } from './output.ts';
import { OUTPUTS } from './outputs.ts';

/** Every tree that an image published with this manifest may have, in whatever form: none of them may go while it is. */
export function referencesOf(manifest: PublishedManifest): TreeName[] {
  return OUTPUTS.flatMap((output) => output.references?.(manifest) ?? []);
}
