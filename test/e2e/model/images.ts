import { hash } from 'node:crypto';
import type { Digest } from '../../../core/oci/digest.ts';
import { image, type Image } from '../../support/images/image.ts';
import { file } from '../../support/images/layer-entry.ts';
import { layer, type Layer } from '../../support/images/layer.ts';

/** An image of the model's, with the trees that it needs, as docs/layout.md says: found without the code under test. */
export interface ModelImage {
  readonly number: number;
  readonly image: Image;
  readonly config: Digest;
  /** By name: `layers/<hex>`, `flat/<hex>`, `chains/<hex>`, `images/<hex>` and `stored/<hex>` of the podman store. */
  readonly trees: readonly string[];
  /** Numbers of its layers, lowest first. */
  readonly layers: readonly number[];
}

const LAYERS = 7;

/** Numbers of layers: images share them at the bottom, in the middle, or all of them under another config. */
const STACKS: readonly (readonly number[])[] = [
  [0],
  [0, 1],
  [0, 1, 2],
  [0, 1, 2],
  [0, 2],
  [3],
  [3, 4],
  [4],
  [5, 6],
  [0, 5],
];

/** A few images of tiny layers, the same in each history. */
export async function modelImages(): Promise<ModelImage[]> {
  const layers: Layer[] = [];
  for (let number = 0; number < LAYERS; number++) {
    const content = Buffer.from(`layer ${number}\n`);
    layers.push(await layer([file('top', content), file(layerFile(number), content)]));
  }
  return STACKS.map((stack, number) => {
    const used = stack.flatMap((one) => layers[one] ?? []);
    const made = image({ layers: used, config: { config: { Labels: { number: String(number) } } } });
    const config = made.blobs[0]?.digest ?? 'sha256:';
    return { number, image: made, config, layers: stack, trees: treesOf(config, used) };
  });
}

/** The file that only this layer has. */
export function layerFile(number: number): string {
  return `of-${number}`;
}

export function layerContent(number: number): string {
  return `layer ${number}\n`;
}

function treesOf(config: Digest, layers: readonly Layer[]): string[] {
  const hexOf = (digest: string): string => digest.slice('sha256:'.length);
  const trees = [`flat/${hexOf(config)}`, `images/${hexOf(config)}`];
  let [chain, stored]: (string | undefined)[] = [];
  for (const { digest, diffId } of layers) {
    chain = `sha256:${hash('sha256', chain === undefined ? digest : `${chain} ${digest}`)}`;
    stored = stored === undefined ? hexOf(diffId) : hash('sha256', `${stored}+${hexOf(diffId)}`);
    trees.push(`layers/${hexOf(digest)}`, `chains/${hexOf(chain)}`, `stored/${stored}`);
  }
  return trees;
}
