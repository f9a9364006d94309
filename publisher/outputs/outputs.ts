import {
  OUTPUT_FORMS,
  outputsOf,
  type OutputName,
  type OutputPolicy,
  type Outputs,
  type RepositoryOutputs,
} from '../../core/outputs.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import type { ResolvedImage } from '../image/image.ts';
import type { RepositoryView } from '../publication/view.ts';
import { publishedConfig } from '../published/find-published.ts';
import { flatOutput } from './flat.ts';
import { chainsOutput, layersOutput } from './layers.ts';
import type { IdentifiedImage, Output } from './output.ts';
import { podmanOutput } from './podman/podman.ts';

/** In the order in which they are published: links come after their targets, and public names last. */
export const OUTPUTS: Output[] = [layersOutput, chainsOutput, podmanOutput, flatOutput];

export function enabledOutputs(outputs: Outputs): Output[] {
  return OUTPUTS.filter(({ name }) => outputs.has(name));
}

/**
 * Finds out what is made of images in a repository, where that depends on what it has.
 *
 * @throws Failure `repository-unusable`
 */
export async function outputsIn(
  view: RepositoryView,
  { possible, ifPresent }: OutputPolicy,
): Promise<RepositoryOutputs> {
  const usual = new Set(possible);
  for (const name of ifPresent)
    if (!(await holdsFolders(view, OUTPUT_FORMS[name].folder))) usual.delete(name);
  return { possible, usual: outputsOf([...usual]) };
}

/** Nothing is looked for through a link. */
async function holdsFolders(view: RepositoryView, path: BytePath): Promise<boolean> {
  if ((await view.kindOf(path)) !== 'directory') return false;
  return (await view.list(path)).some(({ kind }) => kind === 'directory');
}

/**
 * - `current`: the name leads to the same config, in every form that is asked for;
 * - `absent-or-outdated`: anything else.
 */
export type PublishedState = 'current' | 'absent-or-outdated';

/** Compares what is published under the image's name with what is to be. */
export async function publishedState(view: RepositoryView, image: ResolvedImage): Promise<PublishedState> {
  if ((await publishedConfig(view, image)) !== image.manifest.config.digest) return 'absent-or-outdated';
  for (const output of enabledOutputs(image.outputs))
    if (!(await output.isPublished(view, image))) return 'absent-or-outdated';
  return 'current';
}

/** The forms in which a published image is meant to be there, as its traces show. */
export async function foundOutputs(view: RepositoryView, image: IdentifiedImage): Promise<Outputs> {
  const found: OutputName[] = [];
  for (const output of OUTPUTS) {
    const isFound =
      output.hasTraces === undefined
        ? await output.isPublished(view, { ...image, outputs: new Set([output.name]) })
        : await output.hasTraces(view, image);
    if (isFound) found.push(output.name);
  }
  return outputsOf(found);
}
