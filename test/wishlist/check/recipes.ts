import { parseRecipe, type Recipe } from '../../../wishlist/recipe/recipe.ts';

/** A recipe with these items of `input`, each as YAML has it, from line 4 on; `head` are further lines at its end. */
export function recipeOf(
  items: readonly string[],
  { file = 'recipe.yaml', repository = 'images.example.org', head = '' } = {},
): Recipe {
  const input = items.map((item) => `  - ${item}\n`).join('');
  return parseRecipe(`version: 1\ncvmfs_repo: ${repository}\ninput:\n${input}${head}`, file);
}
