import type { Problem } from './problem.ts';
import { RecipeReader } from './recipe-reader.ts';
import type { WishSettings } from './settings.ts';
import { readTextFile } from './text-file.ts';
import type { Wish } from './wish.ts';
import { readWishes } from './wishes.ts';
import { YamlText } from './yaml.ts';

/** A wishlist in one file: version 1, the format that DUCC defined, or version 2. */
export interface Recipe {
  /** Its name, as given. */
  readonly file: string;
  /** Fully qualified names of the CVMFS repositories to publish in, each once: at least one. */
  readonly repositories: readonly string[];
  /** Read for compatibility, and not used. */
  readonly user: string | undefined;
  /** Read for compatibility, and not used. */
  readonly outputFormat: string | undefined;
  /** For wishes that say nothing themselves. */
  readonly defaults: WishSettings;
  /** In the order of the file, each image once for the same settings. */
  readonly wishes: readonly Wish[];
  /** In the order of the file. */
  readonly problems: readonly Problem[];
}

/**
 * Reads the recipe in `file`.
 *
 * @throws Failure `recipe-unreadable` where the file cannot be read, is larger than 16 MiB, or is no UTF-8; and those
 *   of {@link parseRecipe}
 */
export async function readRecipe(file: string): Promise<Recipe> {
  return parseRecipe(await readTextFile(file), file);
}

/**
 * Reads a recipe. A wrong line of `input`, `platforms` or `defaults` is a problem of the result, and the rest goes on.
 *
 * @param file names the recipe in messages, which begin with `FILE:LINE:`
 * @throws Failure `recipe-unreadable` where `text` is no YAML, `recipe-invalid` where it is YAML and no recipe
 */
export function parseRecipe(text: string, file: string): Recipe {
  const yaml = new YamlText(text.replace(/^\uFEFF/, ''), file);
  const reader = new RecipeReader(yaml, file);
  const { version, problems } = reader.head;
  const repositories = reader.repositories();
  const user = reader.optionalText('user');
  const outputFormat = reader.optionalText('output_format');
  const defaults = reader.defaults();
  const input = readWishes(yaml, reader.input(), { version, repositories: repositories.value });
  const all = [problems, repositories, user, outputFormat, defaults, input].flatMap((part) =>
    'problems' in part ? part.problems : part,
  );
  return {
    file,
    repositories: repositories.value,
    user: user.value,
    outputFormat: outputFormat.value,
    defaults: defaults.settings,
    wishes: input.wishes,
    problems: all.sort((one, other) => one.line - other.line),
  };
}
