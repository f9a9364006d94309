import { counted, formatBytes } from '../../core/text.ts';
import { type RecipeFinding, countFindings } from '../../wishlist/check/finding.ts';
import type { MeasuredImage, Sum } from '../../wishlist/check/sizes.ts';
import { formatPlatform } from '../../core/oci/platform.ts';
import type { LostName } from './removals.ts';
import { someTags } from '../../wishlist/tags/version.ts';

export interface CheckReport {
  readonly recipes: readonly CheckedRecipe[];
  /** Ordered by recipe and line. */
  readonly findings: readonly RecipeFinding[];
  /** New or changed wishes, ordered likewise. */
  readonly wishes: readonly CheckedWish[];
  /** Public names that nobody asks for any more. */
  readonly lost: readonly LostName[];
  /** Sum of their images. */
  readonly sum: Sum;
  /** Version that the recipes were compared with, as given. */
  readonly base: string | undefined;
  /** No registry was asked. */
  readonly isOffline: boolean;
}

export interface CheckedRecipe {
  /** As given. */
  readonly file: string;
  /** Lines without their ends; none if it could not be read. */
  readonly lines: readonly string[];
  /** Number of wishes; `undefined` if it is not a valid recipe. */
  readonly wishes: number | undefined;
}

/** A new or changed wish with the registries' data. */
export interface CheckedWish {
  readonly file: string;
  readonly line: number;
  readonly text: string;
  /** Tags that a pattern matches today, in version order; `undefined` if it is not a pattern or was not looked up. */
  readonly tags: readonly string[] | undefined;
  /** Measured images: of a pattern with many, the highest versions. */
  readonly images: readonly MeasuredImage[];
  readonly sum: Sum;
}

/** The document of `--format json`; unknown values are `null`. */
export function checkDocument({
  recipes,
  findings,
  wishes,
  lost,
  sum,
  base,
  isOffline,
}: CheckReport): unknown {
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
    removals: lost.map(({ repository, publicName, platform, keep }) => ({
      repository,
      image: publicName,
      platform: formatPlatform(platform),
      keepDays: keep === 'forever' ? null : keep.days,
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

/** Size of all new images, as a sentence; `undefined` if no registry was asked. */
export function sumText({ wishes, sum, isOffline, base }: CheckReport): string | undefined {
  if (isOffline) return undefined;
  const images = wishes.reduce((count, wish) => count + wish.images.length, 0);
  const verb = base === undefined ? 'asks for' : 'adds';
  if (images === 0) return `${verb} no image that could be checked`;
  const left = wishes.reduce((count, wish) => count + unlookedAt(wish), 0);
  const rest = left === 0 ? '' : `, and ${counted(left, 'image')} not checked`;
  return `${verb} ${counted(images, 'image')}: ${sizeText(sum)}${rest}`;
}

function sizeText({ layers, compressedBytes, unpackedBytes, publishedBytes }: Sum): string {
  const parts = [
    counted(layers, 'layer'),
    `${formatBytes(compressedBytes)} compressed`,
    unpackedBytes !== undefined && `${formatBytes(unpackedBytes)} unpacked`,
    publishedBytes !== undefined && `${formatBytes(publishedBytes)} of it published already`,
  ];
  return parts.filter((part) => part !== false).join(', ');
}

export function bytesText(bytes: number | undefined): string {
  return bytes === undefined ? 'unknown' : formatBytes(bytes);
}

/** `12: 1.0, 1.1, 1.2 … 1.11`; empty for a single tag. */
export function tagsText({ tags }: CheckedWish): string {
  return tags === undefined ? '' : `${tags.length}: ${someTags(tags)}`;
}

export function platformsOf({ images }: CheckedWish): string[] {
  return [...new Set(images.map(({ platform }) => platform))];
}

/** Number of images of a wish that were not measured. */
function unlookedAt({ tags, images }: CheckedWish): number {
  if (tags === undefined || images.length === 0) return 0;
  const known = new Set(images.map(({ image }) => image)).size;
  return tags.length - known;
}
