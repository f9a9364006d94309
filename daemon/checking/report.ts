import { counted, formatBytes } from '../../core/text.ts';
import { type Finding, countFindings } from '../../wishlist/check/finding.ts';
import type { MeasuredImage, Sum } from '../../wishlist/check/sizes.ts';
import { someTags } from '../../wishlist/tags/version.ts';

/** All that a check found out. */
export interface CheckReport {
  readonly recipes: readonly CheckedRecipe[];
  /** In the order of the recipes and their lines. */
  readonly findings: readonly Finding[];
  /** New or changed wishes, in the same order. */
  readonly wishes: readonly CheckedWish[];
  /** All of their images together. */
  readonly sum: Sum;
  /** What the recipes were compared with, as given. */
  readonly base: string | undefined;
  /** Whether no registry was asked. */
  readonly isOffline: boolean;
}

export interface CheckedRecipe {
  /** As given. */
  readonly file: string;
  /** Its lines, without their ends; none where it could not be read. */
  readonly lines: readonly string[];
  /** How many wishes it has; `undefined` where it is no recipe. */
  readonly wishes: number | undefined;
}

/** A wish that is new or changed, with what the registries said. */
export interface CheckedWish {
  readonly file: string;
  readonly line: number;
  readonly text: string;
  /** Tags that a pattern matches today, in the order of versions; `undefined` where it is none, or was not asked for. */
  readonly tags: readonly string[] | undefined;
  /** Those that were looked at: of a pattern with many, the highest versions. */
  readonly images: readonly MeasuredImage[];
  readonly sum: Sum;
}

/** The document of `--format json`; what is not known is `null`. */
export function checkDocument({ recipes, findings, wishes, sum, base, isOffline }: CheckReport): unknown {
  return {
    isFine: countFindings(findings).error === 0,
    base: base ?? null,
    offline: isOffline,
    recipes: recipes.map(({ file, wishes: count }) => ({ file, wishes: count ?? null })),
    counts: countFindings(findings),
    findings: findings.map((finding) => withNulls(finding)),
    wishes: wishes.map((wish) => ({
      file: wish.file,
      line: wish.line,
      image: wish.text,
      tags: wish.tags ?? null,
      platforms: platformsOf(wish),
      images: [...new Set(wish.images.map(({ image }) => image))],
      ...withNulls(wish.sum),
    })),
    total: withNulls(sum),
  };
}

function withNulls(record: object): object {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, (value as unknown) ?? null]));
}

/** `2 errors, 1 warning, no notes`. */
export function countText({ findings }: Pick<CheckReport, 'findings'>): string {
  const { error, warning, note } = countFindings(findings);
  return [counted(error, 'error'), counted(warning, 'warning'), counted(note, 'note')].join(', ');
}

/** What all new images take, in one sentence; `undefined` where no registry was asked. */
export function sumText({ wishes, sum, isOffline, base }: CheckReport): string | undefined {
  if (isOffline) return undefined;
  const images = wishes.reduce((count, wish) => count + wish.images.length, 0);
  const verb = base === undefined ? 'asks for' : 'adds';
  if (images === 0) return `${verb} no image that could be looked at`;
  const left = wishes.reduce((count, wish) => count + unlookedAt(wish), 0);
  const rest = left === 0 ? '' : `, and ${counted(left, 'image')} that were not looked at`;
  return `${verb} ${counted(images, 'image')}: ${sizeText(sum)}${rest}`;
}

function sizeText({ layers, compressedBytes, unpackedBytes, publishedBytes }: Sum): string {
  return [
    counted(layers, 'layer'),
    `${formatBytes(compressedBytes)} compressed`,
    `${bytesText(unpackedBytes)} unpacked`,
    `${bytesText(publishedBytes)} of it published already`,
  ]
    .filter((part) => !part.startsWith('unknown'))
    .join(', ');
}

export function bytesText(bytes: number | undefined): string {
  return bytes === undefined ? 'unknown' : formatBytes(bytes);
}

/** `12: 1.0, 1.1, 1.2 … 1.11`; empty where it is no pattern. */
export function tagsText({ tags }: CheckedWish): string {
  return tags === undefined ? '' : `${tags.length}: ${someTags(tags)}`;
}

export function platformsOf({ images }: CheckedWish): string[] {
  return [...new Set(images.map(({ platform }) => platform))];
}

/** How many images of a wish nobody asked for. */
export function unlookedAt({ tags, images }: CheckedWish): number {
  if (tags === undefined || images.length === 0) return 0;
  const known = new Set(images.map(({ image }) => image)).size;
  return tags.length - known;
}
