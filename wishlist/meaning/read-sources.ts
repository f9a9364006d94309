/** The sources of a cycle, by name; a recipe given to a command by its real path. */
export interface ReadSources {
  /** Read whole in this cycle. */
  readonly read: ReadonlySet<string>;
  /** All that are configured; `undefined` where the cycle is about a recipe alone. */
  readonly configured: ReadonlySet<string> | undefined;
}

/** Returns whether an operator took a source away. Recipes are nobody's but their callers'. */
export function isDropped(source: string, configured: ReadSources['configured']): boolean {
  return configured !== undefined && !configured.has(source) && !source.startsWith('/');
}
