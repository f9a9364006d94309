import type { CheckedWish, CheckReport } from '../../../daemon/checking/report.ts';
import type { RecipeFinding } from '../../../wishlist/check/finding.ts';
import { totalOf, type MeasuredImage } from '../../../wishlist/check/sizes.ts';

export function finding(changes: Partial<RecipeFinding> = {}): RecipeFinding {
  return {
    severity: 'error',
    code: 'tag-unknown',
    file: 'recipe.yaml',
    line: 4,
    column: 6,
    endColumn: 24,
    text: 'quay.io/lab/tool:1',
    message: 'the image quay.io/lab/tool has no tag 1',
    hint: 'did you mean quay.io/lab/tool:1.0?',
    isNew: true,
    ...changes,
  };
}

export function wish(changes: Partial<CheckedWish> = {}): CheckedWish {
  const images = changes.images ?? [];
  const sum = totalOf(images);
  return {
    file: 'recipe.yaml',
    line: 4,
    text: 'quay.io/lab/tool:1',
    tags: undefined,
    images,
    sum,
    ...changes,
  };
}

/** An image with one layer of `compressedBytes`. */
export function measured(image: string, compressedBytes: number): MeasuredImage {
  const layer = { digest: image, compressedBytes, unpackedBytes: undefined, isPublished: undefined };
  return { image, platform: 'linux/amd64', layers: [layer] };
}

export function reportOf(
  findings: readonly RecipeFinding[],
  wishes: readonly CheckedWish[] = [],
  changes: Partial<CheckReport> = {},
): CheckReport {
  const lines = ['version: 1', 'cvmfs_repo: images.example.org', 'input:', "  - 'quay.io/lab/tool:1'"];
  return {
    recipes: [{ file: 'recipe.yaml', lines, wishes: 1 }],
    findings,
    wishes,
    lost: [],
    sum: totalOf(wishes.flatMap(({ images }) => images)),
    base: undefined,
    isOffline: false,
    ...changes,
  };
}
