import { failedResult } from '../../publisher/events.ts';
import type { RegistryClient } from '../../publisher/registry/client.ts';
import { expandRecipes } from '../../wishlist/meaning/expand.ts';
import { readRecipe, type Recipe } from '../../wishlist/recipe/recipe.ts';
import type { Command, Context } from '../command.ts';
import { configuredSettings } from '../configured-settings.ts';
import type { ExitStatus } from '../exit-status.ts';
import { publishEverywhere, statusOf, withRegistry } from '../publishing.ts';
import { failedLines, warningTexts } from '../recipe-lines.ts';
import { staleText } from '../sources/stale.ts';
import { readConfiguredSources } from '../sources/sources.ts';

export const convertCommand: Command = {
  name: 'convert',
  summary: 'Publish everything that a recipe asks for, or all configured sources, once',
  arguments: [
    {
      name: 'RECIPE',
      description: 'the wishlist, a YAML file; without it, all sources of the configuration',
      optional: true,
    },
  ],
  examples: [
    { line: 'unpackd convert recipe.yaml', meaning: 'into a directory tree, the default' },
    {
      line: 'unpackd convert --backend cvmfs recipe.yaml',
      meaning: 'into the repositories that the recipe names, on their release manager',
    },
    { line: 'unpackd convert', meaning: 'all that the sources of the configuration file ask for' },
    { line: 'unpackd convert --json --progress none recipe.yaml', meaning: 'for scripts' },
  ],
  options: ['backend', 'root', 'state'],
  run: async (context) => {
    const [file] = context.arguments;
    const { recipes, isComplete } =
      file === undefined
        ? await recipesOfSources(context)
        : { recipes: [await readRecipe(file)], isComplete: true };
    const status = await withRegistry(context, async (client) => await convert(context, client, recipes));
    return status === 0 && !isComplete ? 1 : status;
  },
};

/** What is in force of all sources. One of which nothing is known is a failure, and the others go on. */
async function recipesOfSources(context: Context): Promise<{ recipes: Recipe[]; isComplete: boolean }> {
  const states = await readConfiguredSources(context);
  for (const { content, failure, failingSince } of states) {
    if (failure === undefined) continue;
    if (content === undefined) context.output.failure(failure);
    else context.observe({ type: 'warning', message: staleText(failure, failingSince) });
  }
  return {
    recipes: states.flatMap(({ content }) => content?.recipes ?? []),
    isComplete: states.every(({ content }) => content !== undefined),
  };
}

async function convert(
  context: Context,
  client: RegistryClient,
  recipes: readonly Recipe[],
): Promise<ExitStatus> {
  const { configuration, observe, output } = context;
  const expansion = await expandRecipes(
    recipes,
    async (reference) => await client.listTags(reference),
    configuredSettings(configuration),
  );
  for (const message of warningTexts(recipes, expansion)) observe({ type: 'warning', message });
  const unusable = failedLines(recipes, expansion).map(({ text: image, failure }) => ({
    image,
    platform: undefined,
    result: failedResult(failure),
  }));
  for (const { image, result } of unusable) observe({ type: 'image-finished', image, result });

  const names = new Set(recipes.flatMap((recipe) => recipe.repositories));
  const targets = [...names].map((name) => ({
    name,
    images: expansion.images.filter((image) => image.repositories.includes(name)),
  }));
  const repositories = await publishEverywhere(context, client, targets);
  output.report({ unusable, repositories });
  const status = statusOf(repositories);
  return status === 0 && unusable.length > 0 ? 1 : status;
}
