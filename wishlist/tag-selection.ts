import { matchTags } from './pattern.ts';
import { isPattern, type ImageReference } from './reference.ts';

/** Which tags of a repository are asked for: those that one of `include` matches and none of `exclude`. */
export interface TagSelection {
  /** Patterns with `*`, `?`, `[…]` and `{a,b}`, or ranges of semantic versions. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** Of what is left, so many with the highest versions; `undefined` for all. */
  readonly newest: number | undefined;
}

/** What a reference alone asks for; `undefined` for a single image. */
export function selectionOf({ tag }: ImageReference): TagSelection | undefined {
  return tag !== undefined && isPattern(tag) ? { include: [tag], exclude: [], newest: undefined } : undefined;
}

/** The tags that `selection` means, in the given order. */
export function selectTags(selection: TagSelection, tags: readonly string[]): string[] {
  const chosen = new Set(selection.include.flatMap((pattern) => matchTags(pattern, tags)));
  return tags.filter((tag) => chosen.has(tag));
}
