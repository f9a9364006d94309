const NUMERIC = new Intl.Collator('en', { numeric: true, sensitivity: 'variant' });
const MOST_SHOWN = 5;

/** Tags as people read versions: `1.9` before `1.10`. */
export function inVersionOrder(tags: readonly string[]): string[] {
  return tags.toSorted((one, other) => NUMERIC.compare(one, other));
}

/** Some of `ordered`, with the last one at the end: `1.0, 1.1, 1.2 … 1.12`. */
export function someTags(ordered: readonly string[]): string {
  if (ordered.length <= MOST_SHOWN) return ordered.join(', ');
  return `${ordered.slice(0, MOST_SHOWN - 2).join(', ')} … ${ordered.at(-1)}`;
}
