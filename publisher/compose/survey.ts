import type { ImageMeter, Written } from '../image/image-limits.ts';
import { Column, WORDS_32, NumberSet } from '../packed/column.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { NOTHING_NEEDED, sumOf, type Demand } from '../../core/system/free-space.ts';
import type { Entry } from '../publication/entry.ts';
import type { RepositoryCapabilities } from '../publication/capabilities.ts';
import { type FileNode, type FileSource, type LayerSource, walkAny } from '../tree/node.ts';
import { type Sliced, takeTurns } from '../../core/turns.ts';
import { type PublishedTree, publishedPath } from '../outputs/output.ts';
import { publishable, type KeptXattrs } from './xattrs.ts';
import type { SharedFiles } from './sharing/shared-files.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import type { RepositoryView } from '../publication/view.ts';

/** Measurements of a tree before it is written. */
export interface Survey {
  /** Space it takes: everything but the files it links to. */
  readonly demand: Demand;
  /** The repository keeps extended attributes of something in it. */
  readonly hasXattrs: boolean;
}

export interface SurveyTools {
  readonly xattrs: KeptXattrs;
  readonly links: LinkCounts;
  readonly meter: ImageMeter;
  /** Files of layers that take no space, since other layers have them. */
  readonly shared: ReadonlyMap<Digest, SharedFiles>;
}

/**
 * Goes over a tree and counts what it demands.
 *
 * @throws Failure `image-too-large` where the image demands too much
 */
export function* survey(tree: PublishedTree, tools: SurveyTools): Sliced<Survey> {
  const { meter, xattrs } = tools;
  const metadata = fileDemand(tree.metadata);
  meter.write({ names: tree.metadata.length, inodes: tree.metadata.length, contentBytes: metadata.bytes });
  const tally = new Tally(tree, tools);
  let hasXattrs = false;
  for (const { node } of walkAny(tree.rootNode)) {
    let steps = 1;
    if (node.type === 'file') tally.addFile(node);
    else if (node.type !== 'foreign-link') tally.addInode();
    if (node.type === 'file' || node.type === 'directory') {
      const values = publishable(node);
      steps += values.size;
      hasXattrs ||= xattrs.of(values).size > 0;
    }
    if (!meter.step(steps)) continue;
    meter.write(tally.take());
    yield;
  }
  meter.write(tally.take());
  return { demand: sumOf(metadata, tally.brought), hasXattrs };
}

/** Counts what a tree writes. Its files are brought once each, whatever their names. */
class Tally {
  brought = NOTHING_NEEDED;
  readonly #isLinked: boolean;
  readonly #links: LinkCounts;
  readonly #shared: SurveyTools['shared'];
  readonly #known = new Map<Digest, NumberSet>();
  #names = 0;
  #inodes = 0;
  #contentBytes = 0;

  constructor({ files }: PublishedTree, { links, shared }: SurveyTools) {
    this.#isLinked = files === 'linked';
    this.#links = links;
    this.#shared = files === 'own' ? shared : NOTHING_SHARED;
  }

  /** Counts since the last call. */
  take(): Written {
    const written = { names: this.#names, inodes: this.#inodes, contentBytes: this.#contentBytes };
    this.#names = this.#inodes = this.#contentBytes = 0;
    return written;
  }

  addInode(): void {
    this.#names++;
    this.#inodes++;
    this.brought = sumOf(this.brought, { bytes: 0, inodes: 1 });
  }

  /** Counts a name of a file. */
  addFile({ source, sizeBytes }: FileNode): void {
    this.#names++;
    const isBrought = source.kind === 'bytes' || (!this.#isLinked && this.#isFirst(source));
    if (isBrought && !this.#isShared(source))
      this.brought = sumOf(this.brought, { bytes: sizeBytes, inodes: 1 });
    const isCopied = source.kind === 'layer' && this.#links.add(source);
    if (!isBrought && !isCopied) return;
    this.#inodes++;
    this.#contentBytes += sizeBytes;
  }

  #isShared(source: FileSource): boolean {
    return source.kind === 'layer' && this.#shared.get(source.layer)?.ownerOf(source.ordinal) !== undefined;
  }

  #isFirst({ layer, ordinal }: LayerSource): boolean {
    const ordinals = this.#known.get(layer) ?? new NumberSet();
    this.#known.set(layer, ordinals);
    return ordinals.add(ordinal);
  }
}

const NOTHING_SHARED: SurveyTools['shared'] = new Map();

/** Counts the names of the image's files in all its trees: an inode takes so many, and further ones are those of a copy. */
export class LinkCounts {
  readonly #mostLinks: number;
  readonly #counts = new Map<Digest, Column>();

  constructor({ mostLinks }: RepositoryCapabilities) {
    this.#mostLinks = mostLinks;
  }

  /** Counts a name. Whether it is the first of a copy. */
  add({ layer, ordinal }: LayerSource): boolean {
    if (this.#mostLinks === Number.POSITIVE_INFINITY) return false;
    const counts = this.#counts.get(layer) ?? new Column(WORDS_32);
    this.#counts.set(layer, counts);
    const count = counts.at(ordinal);
    counts.set(ordinal, count + 1);
    return count > 0 && count % this.#mostLinks === 0;
  }
}

/** Space that the files among `entries` take. */
export function fileDemand(entries: readonly Entry[]): Demand {
  return entries.reduce(
    (sum, entry) => (entry.type === 'file' ? sumOf(sum, { bytes: entry.sizeBytes, inodes: 1 }) : sum),
    NOTHING_NEEDED,
  );
}

/** Published files that a tree must copy, since it cannot link to them. */
export interface Unlinkable {
  /** Their published paths. */
  readonly paths: ReadonlySet<BytePath>;
  /** Of all their names in the tree together. */
  readonly sizeBytes: number;
}

/** Knows which published files of layers can be linked to. Only large ones may be such that they cannot. */
export class LinkableFiles {
  readonly #view: RepositoryView;
  /** Chains and flat trees ask for the same files again. */
  readonly #known = new Map<BytePath, boolean>();

  constructor(view: RepositoryView) {
    this.#view = view;
  }

  /**
   * The published files that the tree needs and cannot link to.
   *
   * @param isBrought whether the same publication brings the layer: its files can be linked to
   */
  async missingFrom(
    tree: PublishedTree,
    isBrought: (layer: Digest) => boolean,
    meter: ImageMeter,
  ): Promise<Unlinkable> {
    const paths = new Set<BytePath>();
    let sizeBytes = 0;
    if (tree.files === 'copied' || this.#view.linkableBytes === Number.POSITIVE_INFINITY)
      return { paths, sizeBytes };
    const { linkableBytes } = this.#view;
    for (const { node: file } of walkAny(tree.rootNode)) {
      if (meter.step()) await takeTurns();
      if (file.type !== 'file' || file.sizeBytes < linkableBytes || file.source.kind !== 'layer') continue;
      const path = publishedPath(file.source);
      if (isBrought(file.source.layer) || (await this.#isLinkable(path))) continue;
      paths.add(path);
      sizeBytes += file.sizeBytes;
    }
    return { paths, sizeBytes };
  }

  async #isLinkable(path: BytePath): Promise<boolean> {
    const known = this.#known.get(path);
    if (known !== undefined) return known;
    const isLinkable = await this.#view.isLinkable(path);
    this.#known.set(path, isLinkable);
    return isLinkable;
  }
}
