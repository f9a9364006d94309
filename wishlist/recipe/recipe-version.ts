/** The versions of recipes. */
export type RecipeVersion = 1 | 2;

export const RECIPE_VERSIONS: readonly RecipeVersion[] = [1, 2];
