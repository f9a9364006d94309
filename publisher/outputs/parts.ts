import type { OutputName } from '../../core/outputs.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import type { Attributes, Entry } from '../publication/entry.ts';
import type { RepositoryView } from '../publication/view.ts';
import type { TreeName } from './output.ts';

/** What an output may need to know to judge its {@link OutputParts}. */
export interface PartsInput {
  readonly view: RepositoryView;
  /** Public names of all published images whose metadata has the file `file`. */
  readonly namesWith: (file: string) => readonly string[];
  /** Where symbolic links elsewhere in the repository lead to, within the folders of outputs. */
  readonly linkTargets: readonly BytePath[];
}

/**
 * What an output keeps beside trees, such as a store of images: what of it nothing refers to, and which trees it needs. A
 * part that cannot be judged is one that stays, with every tree it could lead to.
 */
export interface OutputParts {
  /** Outputs of which they may lead to any tree. */
  readonly whole: readonly OutputName[];
  /** Trees that parts which stay lead to. */
  readonly references: Iterable<TreeName>;
  /**
   * Parts that nothing refers to, by the names that they are marked with (`podman:<root>/images/<id>`), with the trees that
   * they lead to: these stay as long as any such part does.
   */
  readonly unreferenced: ReadonlyMap<string, readonly TreeName[]>;
  /** What keeps parts that cannot be judged. */
  readonly kept: readonly Remark[];
  /** What is not unpackd's to remove. */
  readonly foreign: readonly Remark[];
  /** Takes away those of the parts `due` that can go. */
  sweep(due: ReadonlySet<string>, options: SweepOptions): Promise<PartsSweep>;
}

/** Something at a path that people should know of. */
export interface Remark {
  readonly path: BytePath;
  readonly why: string;
}

export interface SweepOptions {
  /** Asks for room for a part that has these paths: where there is none, it waits for the next publication. */
  readonly take: (paths: readonly BytePath[]) => boolean;
  /** Of files of our own making. The mode is not used. */
  readonly attributes: Attributes;
}

/** Parts that go in one publication. */
export interface PartsSweep {
  /** By the names that they are marked with. */
  readonly swept: readonly string[];
  /** Entries that name them no longer. */
  readonly names: readonly Entry[];
  /** Paths to delete once these are there. */
  readonly outdated: readonly BytePath[];
  /** What somebody put into parts that are due, which stay for it. */
  readonly strangers: readonly Remark[];
}
