import { layerRoot, type Unit } from '../image/layout.ts';
import type { Entry } from '../publication/entry.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import {
  joinPath,
  type DirectoryNode,
  type FileNode,
  type LayerDirectoryNode,
  type LayerSource,
} from '../tree/node.ts';

/** A tree to be published whole: one layer, chain or flat root file system. What every output makes of an image. */
export interface UnitTree {
  readonly unit: Unit;
  readonly hex: string;
  /** Where the unit begins: gets the catalog marker. */
  readonly path: BytePath;
  /** Where its tree is: `path`, or below it. */
  readonly root: BytePath;
  readonly tree: DirectoryNode | LayerDirectoryNode;
  /** Entries beside the tree, below `path`. */
  readonly beside: readonly Entry[];
  readonly files: FilePlacement;
  /** What is published of it counts as the same where it was made by these rules or later ones (`published.ts`). */
  readonly rules: number;
}

/**
 * How the files of a unit get there:
 * - `own`: it brings the contents, at the place that each file's source names (a layer's own tree);
 * - `linked`: as hard links to where the layers are published;
 * - `copied`: it brings the contents, at the first of their names (a tree without published layers).
 */
export type FilePlacement = 'own' | 'linked' | 'copied';

/** A file's place in the unit, or in the published layer that it links to. */
export interface PlacedFile {
  readonly path: BytePath;
  readonly node: FileNode;
}

/** Where the file is in the published tree of its layer. */
export function publishedPath({ layer, path }: LayerSource): BytePath {
  return joinPath(layerRoot(layer), path);
}

/** One name for each tree of a repository. */
export function unitName({ unit, hex }: Pick<UnitTree, 'unit' | 'hex'>): string {
  return `${unit}/${hex}`;
}
