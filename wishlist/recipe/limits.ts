/**
 * What one recipe may have, so that a stranger's costs little, whatever is in it. A thousand images a recipe are usual, and
 * some 100 bytes for each.
 */
export const RECIPE_LIMITS = {
  bytes: 4 * 1024 ** 2,
  /** UTF-16 units of a line, and of a value that goes over several lines. */
  characters: 64 * 1024,
  /** Line ends and `- , : ? [ {`: no more things than that can be in a text, and js-yaml has an object for each. */
  marks: 500_000,
  /** Keys and values, in lists and mappings; what an alias stands for counts each time. */
  values: 250_000,
  /** Of all patterns of tags, as `patternCost` counts it: about a microsecond each. */
  patternCost: 1_000_000,
  /** Of a list beside `input`, and keys of a mapping. */
  entries: 1000,
  /** For which one image may be wanted. */
  platforms: 32,
  /** Items of `input`, where the operator does not say. */
  wishes: 20_000,
  /** That are told. */
  problems: 1000,
} as const;
