import type { BytePath } from '../../core/system/byte-path.ts';

/**
 * Differences between what is published and what would be:
 * - `missing`, `extra`, `type`: what is there;
 * - `size`, `mode`, `owner`, `time`, `target`, `device`, `xattr`: what it is like;
 * - `link`: a further name of a file is a file of its own;
 * - `content`: the bytes of a file;
 * - `unreadable`: clients cannot open the file;
 * - `record`: the tree is not recorded as whole, or by rules that do not serve any more;
 * - `marker`: a catalog is not where one belongs;
 * - `metadata`: a file beside trees, such as a manifest;
 * - `podman`: a part of a podman store.
 */
export type FindingKind =
  | 'missing'
  | 'extra'
  | 'type'
  | 'size'
  | 'mode'
  | 'owner'
  | 'time'
  | 'target'
  | 'device'
  | 'xattr'
  | 'link'
  | 'content'
  | 'unreadable'
  | 'record'
  | 'marker'
  | 'metadata'
  | 'podman';

/** Something that is published otherwise than it should be. */
export interface Finding {
  readonly kind: FindingKind;
  /** From the repository's root. */
  readonly path: BytePath;
  /** Texts to be shown: they may hold what strangers wrote. */
  readonly expected: string;
  readonly found: string;
}

/** What verification found of one image. */
export interface ImageFindings {
  /** As `publishedNames` gives it. */
  readonly name: string;
  /** The first of them. */
  readonly findings: readonly Finding[];
  /** Number of those beyond. */
  readonly more: number;
  /** Names of the trees that something is wrong with, as `treeName` gives them. */
  readonly brokenTrees: ReadonlySet<string>;
  /** Paths where a directory stands for something else, or the reverse: they must go before the trees are made again. */
  readonly inTheWay: readonly BytePath[];
  /** What could not be found out, and why: neither right nor wrong. */
  readonly unknown: readonly string[];
}

export function isSound({ findings, more }: ImageFindings): boolean {
  return findings.length === 0 && more === 0;
}
