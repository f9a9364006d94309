import { countFindings } from '../../../wishlist/check/finding.ts';
import type { Sum } from '../../../wishlist/check/sizes.ts';
import { someTags } from '../../../wishlist/check/tag-order.ts';
import { counted, formatBytes } from '../../../core/text.ts';
import type { CheckedWish, CheckReport } from '../report.ts';

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
