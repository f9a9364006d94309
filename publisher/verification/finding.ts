import type { TreeRepair, TreeRepairs } from '../compose/tree-changes.ts';
import type { Digest } from '../../core/oci/digest.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import type { Attributes } from '../publication/entry.ts';

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
  /** Texts to be shown, with control characters escaped. */
  readonly expected: string;
  readonly found: string;
}

/** What verification found of one image. */
export interface ImageFindings {
  /** As `publishedNames` gives it. */
  readonly name: string;
  /** Digest of what is in the place of its manifest; `undefined`: nothing. */
  readonly manifest: Digest | undefined;
  /** The first of them. */
  readonly findings: readonly Finding[];
  /** Number of those beyond. */
  readonly more: number;
  /** The trees that something is wrong with, by the names that `treeName` gives them, and what repairs them. */
  readonly brokenTrees: TreeRepairs;
  /** Paths that must go before anything is made again: no publication replaces what is there by what belongs there. */
  readonly inTheWay: readonly BytePath[];
  /** What could not be found out, and why: neither right nor wrong. */
  readonly unknown: readonly string[];
}

export function isSound({ findings, more }: Pick<ImageFindings, 'findings' | 'more'>): boolean {
  return findings.length === 0 && more === 0;
}

/** Findings kept of a tree, or of what is beside trees; those beyond are counted. */
const MOST_FINDINGS = 50;
const MOST_IN_THE_WAY = 10_000;

/** Of what marks and describes a tree. */
const BESIDE: ReadonlySet<FindingKind> = new Set<FindingKind>(['record', 'marker', 'metadata']);

/** Collects findings, however many there are. */
export class Findings {
  readonly findings: Finding[] = [];
  readonly inTheWay: BytePath[] = [];
  more = 0;
  #repair: TreeRepair = 'beside';

  /** What repairs the tree that these are of. */
  get repair(): TreeRepair {
    return this.#repair;
  }

  add(finding: Finding): void {
    if (!BESIDE.has(finding.kind)) this.#repair = 'whole';
    if (this.findings.length < MOST_FINDINGS) this.findings.push(finding);
    else this.more++;
  }

  /** Something that must go before anything else can take its place. */
  mustGo(path: BytePath): void {
    if (this.inTheWay.length < MOST_IN_THE_WAY) this.inTheWay.push(path);
  }

  addAll({ findings, more, inTheWay }: Pick<Findings, 'findings' | 'more' | 'inTheWay'>): void {
    for (const finding of findings) this.add(finding);
    for (const path of inTheWay) this.mustGo(path);
    this.more += more;
  }

  get isAny(): boolean {
    return this.findings.length > 0 || this.more > 0;
  }
}

export function shownMode({ mode }: Pick<Attributes, 'mode'>): string {
  return mode.toString(8).padStart(4, '0');
}

export function shownOwner({ uid, gid }: Pick<Attributes, 'uid' | 'gid'>): string {
  return `${uid}:${gid}`;
}

export function shownTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? `${seconds} s` : date.toISOString();
}
