/** The sources of a cycle, by name; a recipe given to a command by its real path. */
export interface ReadSources {
  /** Read whole in this cycle. */
  readonly read: ReadonlySet<string>;
  /** All that are configured; `undefined` where the cycle is about a recipe alone. */
  readonly configured: ReadonlySet<string> | undefined;
}

/** Returns whether all who asked for an image have now said that they do not, or cannot be asked any more. */
export function isAnswered(
  { askedBy }: { readonly askedBy: readonly string[] },
  { read, configured }: ReadSources,
): boolean {
  return askedBy.length > 0 && askedBy.every((source) => read.has(source) || isDropped(source, configured));
}

/** Returns whether an operator took a source away. Recipes are nobody's but their callers'. */
export function isDropped(source: string, configured: ReadSources['configured']): boolean {
  return configured !== undefined && !configured.has(source) && !source.startsWith('/');
}
