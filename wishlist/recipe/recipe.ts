import { cut } from '../../core/text.ts';
import { RECIPE_LIMITS } from './limits.ts';
import type { Problem, OmittedProblems } from './problem.ts';
import { RecipeReader } from './recipe-reader.ts';
import { RecipeText } from './recipe-text.ts';
import type { WishSettings } from './settings.ts';
import { readTextFile } from './text-file.ts';
import type { Wish } from './wish.ts';
import { readWishes } from './wishes.ts';

/** A wishlist in one file: version 1, the format that DUCC defined, or version 2. */
export interface Recipe {
  /** Its name, as given. */
  readonly file: string;
  /** Fully qualified names of the CVMFS repositories to publish in, each once: at least one. */
  readonly repositories: readonly string[];
  /** For wishes without settings of their own. */
  readonly defaults: WishSettings;
  /** In the order of the file, each image once for the same settings. */
  readonly wishes: readonly Wish[];
  /** In the order of the file. */
  readonly problems: readonly Problem[];
  /** Limits on its wishes, if any. */
  readonly confinement?: Confinement;
}

export interface RecipeOptions {
  /** The most items of `input`; 20,000 by default. */
  readonly wishLimit?: number | undefined;
}

/**
 * Reads the recipe in `file`.
 *
 * @throws Failure `recipe-unreadable` where the file cannot be read, is larger than 4 MiB, or is not UTF-8; and those
 *   of {@link parseRecipe}
 */
export async function readRecipe(file: string, options?: RecipeOptions): Promise<Recipe> {
  return parseRecipe(await readTextFile(file), file, options);
}

/**
 * Reads a recipe. A wrong line of `input`, `platforms` or `defaults` is a problem of the result, and the other lines count.
 * No recipe costs more than {@link RECIPE_LIMITS} allow.
 *
 * @param file names the recipe in messages, which begin with `FILE:LINE:`
 * @throws Failure `recipe-unreadable` where `text` is not valid YAML, `recipe-invalid` where it is YAML but not a recipe
 */
export function parseRecipe(
  text: string,
  file: string,
  { wishLimit: limit = RECIPE_LIMITS.wishes }: RecipeOptions = {},
): Recipe {
  const yaml = RecipeText.parse(text.replace(/^\uFEFF/, ''), file);
  const reader = new RecipeReader(yaml, file);
  const { version, problems } = reader.head;
  const repositories = reader.repositories();
  const defaults = reader.defaults();
  const input = readWishes(yaml, reader.input(), { version, repositories: repositories.value, limit });
  const all = [
    ...problems,
    ...repositories.problems,
    ...reader.unusedKeys(),
    ...defaults.problems,
    ...input.problems,
  ];
  return {
    file,
    repositories: repositories.value,
    defaults: defaults.settings,
    wishes: input.wishes,
    problems: boundedProblems(all, input.omitted),
  };
}

/** Keeps at most 1,000 problems in the order of the file, and adds one that counts the others. */
function boundedProblems(all: readonly Problem[], omitted: OmittedProblems): Problem[] {
  const reported = all.toSorted((one, other) => one.line - other.line);
  for (const problem of reported.splice(RECIPE_LIMITS.problems)) omitted.add(problem);
  const shown = reported.map((problem) => Object.assign({}, problem, { text: cut(problem.text) }));
  const summary = omitted.summary();
  return summary === undefined ? shown : [...shown, summary];
}

/** The operator's limits on the wishes of one source. */
export interface Confinement {
  /** Returns whether the wishes may be published in the repository of this name. */
  readonly allowsRepository: (name: string) => boolean;
  /** Patterns as `matchesRegistry` reads them; `undefined` for all registries. */
  readonly registries: readonly string[] | undefined;
  /** The subdirectory of all its wishes, which may name one below it; `undefined` for any. */
  readonly subdirectory: string | undefined;
  /** Returns whether the registry, a host with its port, may be asked over plain HTTP. */
  readonly allowsHttp: (registry: string) => boolean;
  /** The most tags that a pattern may match; `undefined` for the general limit. */
  readonly limit: number | undefined;
}
