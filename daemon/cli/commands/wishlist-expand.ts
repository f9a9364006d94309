import { expandRecipes, type WishedImage } from '../../../wishlist/meaning/expand.ts';
import { formatPlatform } from '../../../core/oci/platform.ts';
import { readRecipe, type Recipe } from '../../../wishlist/recipe/recipe.ts';
import { formatReference } from '../../../core/oci/reference.ts';
import type { Command } from '../command.ts';
import { configuredPolicy, configuredSettings } from '../../configuration/limits.ts';
import { problemDocument } from '../../output/results.ts';
import { withRegistry } from '../../cycle/publishing.ts';
import { failedLines, noteTexts, warningTexts } from '../../output/recipe-lines.ts';

export const wishlistExpandCommand: Command = {
  name: 'wishlist expand',
  summary: 'Print the images that the lines of recipes mean today',
  arguments: [
    { name: 'RECIPE', description: 'the wishlist: a YAML file' },
    { name: 'OTHERS', description: 'further ones, whose lines count together', variadic: true },
  ],
  examples: [
    { line: 'unpackd wishlist expand recipe.yaml', meaning: 'one image a line, by its public name' },
    {
      line: 'unpackd wishlist expand --json one.yaml two.yaml',
      meaning: 'with platforms, repositories and the lines that ask for each image, for scripts',
    },
  ],
  options: ['json', 'platforms', 'pattern-limit', 'allowed-registries'],
  run: async (context) => {
    const { arguments: files, configuration, observe, output } = context;
    const recipes: Recipe[] = [];
    for (const file of files) recipes.push(await readRecipe(file, configuration));
    const expansion = await withRegistry(context, async (client) => {
      const listTags = client.listTags.bind(client);
      return await expandRecipes(
        recipes,
        listTags,
        configuredSettings(configuration),
        configuredPolicy(configuration),
      );
    });
    for (const message of warningTexts(recipes, expansion)) observe({ type: 'warning', message });
    for (const message of noteTexts(recipes, expansion)) observe({ type: 'note', message });
    const failures = failedLines(recipes, expansion).map(({ failure }) => failure);
    for (const failure of failures) output.failure(failure);
    output.print([...new Set(expansion.images.map(({ publicName }) => `${publicName}\n`))].join(''), {
      images: expansion.images.map(imageDocument),
      problems: failures.map(problemDocument),
    });
    return failures.length === 0 ? 0 : 1;
  },
};

function imageDocument(image: WishedImage): unknown {
  const { reference, publicName, platforms, repositories, outputs, keep, wishes } = image;
  return {
    reference: `${reference.scheme}://${formatReference(reference)}`,
    publicName,
    platforms: platforms?.map(({ platform }) => formatPlatform(platform)),
    repositories,
    outputs,
    keep,
    lines: wishes.map(({ recipe: { file }, wish: { line, text } }) => ({ file, line, text })),
  };
}
