import type { Stage } from '../tree/image-trees.ts';
import type { UnitTree } from './unit.ts';
import type { ImageMeter } from '../image/image-limits.ts';
import type { ReadyImage } from '../image/image.ts';
import type { Attributes } from '../publication/entry.ts';

/** What an output makes trees from. */
export interface OutputInput {
  readonly image: ReadyImage;
  /** Lowest layer first. */
  readonly stages: readonly Stage[];
  /** Whether layers are published, so that their files can be linked to. */
  readonly linked: boolean;
  /** Of files of our own making beside the image. */
  readonly attributes: Attributes;
  readonly meter: ImageMeter;
}

/** A form in which images are published: the trees of an image in that form. */
export type Output = (input: OutputInput) => UnitTree[];
