import { z } from 'zod';
import type { Failure } from '../../core/failure.ts';
import type { Commit } from '../recipe/wish.ts';
import { parseRecipe, type Recipe } from '../recipe/recipe.ts';

/**
 * A place that wishlists come from, with the secrets that it needs: what it fetches (its content), and the recipes in
 * that. Content is JSON, so that the last good one can be kept.
 */
export interface WishlistSource<Content extends object = object> {
  /** Each source has another one; people see it. */
  readonly name: string;
  /** JSON that names the place, but not the way to it: content fetched for another identity does not count. */
  readonly identity: readonly unknown[];
  /** The form of its content, as this version and earlier ones stored it. */
  readonly form: z.ZodType<Content>;
  /**
   * Fetches its content. Other sources wait for it, so it heeds the time limit and the signal.
   *
   * @param known what was fetched before
   * @throws Failure, which names the source; the reason of the signal
   */
  fetch(known: Fetched<Content> | undefined, request: FetchRequest): Promise<Fetched<Content>>;
  /**
   * The recipes in `content`, fetched now or in an earlier run.
   *
   * @param wishLimit how many items they may have together
   * @throws Failure `recipe-unreadable`, `recipe-invalid`
   */
  read(content: Content, wishLimit: number): SourceRecipes;
}

/** The content of a source. */
export interface Fetched<Content> {
  readonly content: Content;
  readonly validators?: Validators | undefined;
}

/** RFC 9110, section 8.8: header fields as the server wrote them, so that it need not send the same again. */
export interface Validators {
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
}

/** The recipes of a source. */
export interface SourceRecipes {
  /** In the order of the settings. */
  readonly recipes: readonly Recipe[];
  readonly commit?: Commit | undefined;
}

/** Settings and limits for asking a source. */
export interface SourceLimits {
  /** For programs and proxies: `PATH`, `HTTPS_PROXY` and the like. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** For each request to a source. */
  readonly timeLimitMs: number;
  /** Of what a git repository sends at once, and of its clone. */
  readonly sizeLimitBytes: number;
  /** Its reason is thrown. */
  readonly signal: AbortSignal | undefined;
}

export interface FetchRequest extends SourceLimits {
  /** A directory of the source's own, for what it keeps beside its content. */
  readonly folder: string;
}

/** The last known wishes of a source. Times are in ISO 8601, in UTC. */
export interface SourceState {
  readonly name: string;
  /** The last that was good; `undefined` where there never was any: what the source asks for is unknown. */
  readonly content: SourceContent | undefined;
  /** When the source was last found to say so. */
  readonly fetchedAt: string | undefined;
  /** Why the last try failed; where there is content, it may be stale. */
  readonly failure: Failure | undefined;
  readonly failingSince: string | undefined;
}

/** The recipes of a source that are in force; each wish has its origin. */
export interface SourceContent extends SourceRecipes {
  /** When it was read for the first time. */
  readonly since: string;
}

const commitSchema = z.object({ hash: z.string(), author: z.string(), date: z.string() });

const recipeFilesSchema = z.object({
  files: z.array(z.object({ label: z.string(), text: z.string() })).min(1),
  commit: commitSchema.optional(),
});

/** Content that is recipes in YAML. */
export interface RecipeFiles {
  readonly files: readonly RecipeFile[];
  readonly commit?: Commit | undefined;
}

export interface RecipeFile {
  /** As people know it, for messages. */
  readonly label: string;
  readonly text: string;
}

/** For sources whose content is recipes in YAML. */
export const RECIPE_FILES = {
  form: recipeFilesSchema,
  read({ files, commit }: RecipeFiles, wishLimit: number): SourceRecipes {
    let left = wishLimit;
    const recipes = files.map(({ label, text }) => {
      const recipe = parseRecipe(text, label, { wishLimit: left });
      left -= recipe.wishes.length;
      return recipe;
    });
    return { recipes, commit };
  },
} as const satisfies Pick<WishlistSource<RecipeFiles>, 'form' | 'read'>;
