import type { RegistryClient } from '../../publisher/registry/client.ts';
import { expandRecipes } from '../../wishlist/expand.ts';
import { readRecipe, type Recipe } from '../../wishlist/recipe.ts';
import type { Command, Context } from '../command.ts';
import { configuredSettings } from '../configured-settings.ts';
import type { ExitStatus } from '../exit-status.ts';
import { publishEverywhere, statusOf, withRegistry } from '../publishing.ts';
import { failedLines, warningTexts } from '../recipe-lines.ts';

export const convertCommand: Command = {
  name: 'convert',
  summary: 'Publish everything that a recipe asks for, once',
  arguments: [{ name: 'RECIPE', description: 'the wishlist: a YAML file, recipe version 1' }],
  examples: [
    { line: 'unpackd convert recipe.yaml', meaning: 'into a directory tree, the default' },
    {
      line: 'unpackd convert --backend cvmfs recipe.yaml',
      meaning: 'into the repository that the recipe names, on its release manager',
    },
    { line: 'unpackd convert --json --progress none recipe.yaml', meaning: 'for scripts' },
  ],
  options: ['backend', 'root', 'state'],
  run: async (context) => {
    const [file = ''] = context.arguments;
    const recipe = await readRecipe(file);
    return await withRegistry(context, async (client) => await convert(context, client, recipe));
  },
};

async function convert(context: Context, client: RegistryClient, recipe: Recipe): Promise<ExitStatus> {
  const { configuration, observe, output } = context;
  const expansion = await expandRecipes(
    [recipe],
    async (reference) => await client.listTags(reference),
    configuredSettings(configuration),
  );
  for (const message of warningTexts([recipe], expansion)) observe({ type: 'warning', message });
  const unusable = failedLines([recipe], expansion).map(({ text: image, failure }) => {
    const { code, message, hint } = failure;
    return { image, platform: undefined, result: { outcome: 'failed', code, message, hint } as const };
  });
  for (const { image, result } of unusable) observe({ type: 'image-finished', image, result });

  const targets = recipe.repositories.map((name) => ({
    name,
    images: expansion.images.filter((image) => image.repositories.includes(name)),
  }));
  const repositories = await publishEverywhere(context, client, targets);
  output.report({ unusable, repositories });
  const status = statusOf(repositories);
  return status === 0 && unusable.length > 0 ? 1 : status;
}
