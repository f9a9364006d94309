import type { Digest } from '../../core/oci/digest.ts';
import type { Failure } from '../../core/failure.ts';
import type { OutputName } from '../../core/outputs.ts';
import { type BytePath, joinPath } from '../../core/system/byte-path.ts';
import type { ImageMeter } from '../image/image-limits.ts';
import type { NamedImage, ReadyImage, ResolvedImage } from '../image/image.ts';
import { layerRoot } from '../image/layout.ts';
import type { Attributes, Entry } from '../publication/entry.ts';
import type { RepositoryView } from '../publication/view.ts';
import type { PublishedManifest } from '../published/published-manifest.ts';
import type { TreeLocation } from '../published/published.ts';
import type { StackedLayer } from '../tree/image-trees.ts';
import type { OutputParts, PartsInput } from './parts.ts';
import type { DirectoryNode, LayerDirectoryNode, LayerSource } from '../tree/node.ts';

/**
 * A form in which images are published. Each has its name and its folder in `core/outputs.ts`, a module here that has its
 * work, and its place in the list of `outputs.ts`: options, the recipe's `outputs`, folders that no image may be in, the
 * composition, and whether an image is published all derive from these.
 *
 * An output publishes trees ({@link trees}), small files and links ({@link collect}), or both:
 *
 * | output           | trees                      | collects                                    |
 * | ---------------- | -------------------------- | ------------------------------------------- |
 * | `layers`         | one for each layer         | which images use a layer                    |
 * | `chains`         | one for each layer         |                                             |
 * | `flat`           | one                        | the image's public names                    |
 * | `podman`         |                            | records, and the store made of all of them  |
 *
 * A record or a link for each image is a collector that keeps what it has planned. What takes long, such as a file made out
 * of the flat tree, belongs into {@link prepare}, which runs while the repository is not held.
 */
export interface Output {
  readonly name: OutputName;

  /**
   * Makes what takes long, before the repository is held. Called once for each image that is wanted in this form, with all
   * its layers listed, and those that the repository lacks at hand. What it makes is for the output to find again: the
   * image may be published much later, by another process, or never.
   *
   * @throws Failure of this image
   */
  prepare?(image: ReadyImage, signal: AbortSignal): Promise<void>;

  /**
   * The trees of an image in this form. Called when the image is planned and again when it is written: the same input gives
   * the same trees. One whose name another image of the batch, or the repository, already has is not written again.
   *
   * @throws Failure of this image
   */
  trees?(input: TreeInput): PublishedTree[];

  /**
   * The trees that a published image may have in this form, in every way in which {@link trees} may have named them: while
   * it is published, nobody removes them. An output that has trees has this too; those of others are never removed.
   */
  references?(manifest: PublishedManifest): readonly TreeName[];

  /** What may lie in the folder of a tree, by its path below that: without it the folder is the tree, and holds anything. */
  readonly treeFolder?: ReadonlySet<BytePath>;

  /** Its folder has links to its trees too, by the names of images: those are not reported as somebody's. */
  readonly hasLinks?: boolean;

  /** Looks at what this output keeps beside trees, for a collection of what nothing refers to. */
  parts?(input: PartsInput): Promise<OutputParts>;

  /** Name of the file in an image's metadata that says what its collector needs to bring it back. */
  readonly recordFile?: string;

  /** What it collects is made of all images that are published: it is as much work for one image as for many. */
  readonly isOfAll?: boolean;

  /** Begins to collect, for one batch, everything that is published beside trees. */
  collect?(context: CollectorContext): Collector;

  /** Reports whether all that this output publishes of `image` is there: if not, the image is published again. */
  isPublished(view: RepositoryView, image: NamedImage): Promise<boolean>;

  /**
   * Reports whether anything shows that a published image is meant to be there in this form, also where most of it is lost;
   * without this method, {@link isPublished} tells.
   */
  hasTraces?(view: RepositoryView, image: IdentifiedImage): Promise<boolean>;
}

/** What names a tree within a repository. */
export type TreeName = Pick<TreeLocation, 'kind' | 'hex'>;

/** A published image whose forms are still to be found out. */
export type IdentifiedImage = Omit<ResolvedImage, 'outputs'>;

/** Input for the trees of one image. */
export interface TreeInput {
  readonly image: ReadyImage;
  /** Lowest layer first. */
  readonly stack: readonly StackedLayer[];
  /** Layers are published, so that their files can be linked to. */
  readonly linked: boolean;
  /** Of files of our own making beside the image. */
  readonly attributes: Attributes;
  readonly meter: ImageMeter;
}

/** A tree to be published whole: one layer, chain or flat root file system. */
export interface PublishedTree extends TreeLocation {
  /** Folder that gets the catalog marker: `root`, or above it. */
  readonly path: BytePath;
  readonly rootNode: DirectoryNode | LayerDirectoryNode;
  /** Entries beside the tree, below `path`. */
  readonly metadata: readonly Entry[];
  readonly files: FilePlacement;
  /** A published tree counts as the same where it was made by these rules or later ones (`published.ts`). */
  readonly rules: number;
}

/**
 * Origin of a tree's files:
 * - `own`: it brings the contents, at the place that each file's source names (a layer's own tree);
 * - `linked`: as hard links to where the layers are published;
 * - `copied`: it brings the contents, at the first of their names (a tree without published layers).
 */
export type FilePlacement = 'own' | 'linked' | 'copied';

/** Path of the file in the published tree of its layer. */
export function publishedPath({ layer, path }: Pick<LayerSource, 'layer' | 'path'>): BytePath {
  return joinPath(layerRoot(layer), path);
}

/** Unique name of a tree in a repository. */
export function treeName({ kind, hex }: TreeName): string {
  return `${kind}/${hex}`;
}

/** The digest that a tree of the output `layers` is named by. */
export function layerOf({ kind, hex }: TreeName): Digest | undefined {
  return kind === 'layers' ? `sha256:${hex}` : undefined;
}

/** Shared by the collectors of one batch. */
export interface CollectorContext {
  readonly view: RepositoryView;
  /** The repository's root as clients see it: absolute. */
  readonly clientRoot: string;
  /** Of files of our own making. The mode is not used. */
  readonly attributes: Attributes;
  /** Write again what is published and not of layers. */
  readonly convertAgain: boolean;
  /** The same for the images with these public names alone. */
  readonly madeAgain?: ReadonlySet<string>;
}

/** Collects what one output publishes beside trees, for all images of a batch together. */
export interface Collector {
  /**
   * Plans any image of the batch, whether it is wanted in this form or not: it may take the place of one that was. Nothing
   * of it counts before {@link ImagePlan.take}.
   *
   * @throws Failure of this image
   */
  plan(image: ReadyImage, stack: readonly StackedLayer[]): Promise<ImagePlan>;

  /**
   * Plans to take back what the image has beside trees in this form.
   *
   * @returns notes it for {@link changes}, and never fails; or why it must stay as it is
   */
  withdraw?(image: NamedImage): Promise<(() => void) | string>;

  /**
   * Plans to bring back what {@link withdraw} took, or to publish under its digest what a tag leads to. The trees that it
   * needs are there.
   *
   * @param record what {@link Output.recordFile} had
   * @returns notes it for {@link changes}, and never fails; `undefined` where something else that it needs is gone
   */
  restore?(image: NamedImage, record: Buffer | undefined): Promise<(() => void) | undefined>;

  /**
   * Everything that changes for the images taken.
   *
   * @param refuse throws `repository-conflict` where an entry cannot be put in its place
   * @throws Failure for which nothing of the batch is published: what concerns single images goes into
   *   {@link OutputChanges.leftOut}
   */
  changes(refuse: Refuse): Promise<OutputChanges>;
}

export type Refuse = (entry: Pick<Entry, 'path' | 'type'>) => Promise<void>;

/** Plan for one image in one output. */
export interface ImagePlan {
  /** Paths to be written for the image: the composer refuses conflicts. */
  readonly entries: readonly Pick<Entry, 'path' | 'type'>[];
  /** Warnings for the image's users. */
  readonly warnings: readonly string[];
  /** Takes the image into the batch. Never fails. */
  readonly take: () => void;
}

export const NOTHING_PLANNED: ImagePlan = { entries: [], warnings: [], take: () => undefined };

/** Everything an output publishes beside the trees of images. */
export interface OutputChanges {
  /** Folders that {@link trees} are in. */
  readonly folders: readonly BytePath[];
  /** Entries published after the trees of images, not reachable by any name yet; made anew each time. */
  readonly trees: () => Iterable<Entry>;
  /** Metadata of trees, before the records that say that these are whole. */
  readonly metadata: readonly Entry[];
  /** Entries that make the images visible in this form, after their manifests. */
  readonly names: readonly Entry[];
  /** Paths to delete once the names are there. */
  readonly outdated: readonly BytePath[];
  /** Parts of this output, beside trees, that the images refer to, by the names that they have among the marks. */
  readonly referredTo?: Iterable<string>;
  /** Warnings beyond those of single images. */
  readonly warnings: readonly string[];
  /** By public name, why an image is left out of this output for now; it is published in its others. */
  readonly leftOut: ReadonlyMap<string, Failure>;
}

export const NOTHING_CHANGES: OutputChanges = {
  folders: [],
  trees: () => [],
  metadata: [],
  names: [],
  outdated: [],
  warnings: [],
  leftOut: new Map(),
};
