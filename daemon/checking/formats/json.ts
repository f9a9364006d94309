import { countFindings } from '../../../wishlist/check/finding.ts';
import type { CheckReport } from '../report.ts';
import { platformsOf } from './phrases.ts';

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
