/**
 * Limits that keep a stranger's recipe cheap. Usual recipes have a thousand images, and some 100 bytes for each.
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
  /** Of one image. */
  platforms: 32,
  /** Items of `input`, by default. */
  wishes: 20_000,
  /** Reported ones. */
  problems: 1000,
} as const;
