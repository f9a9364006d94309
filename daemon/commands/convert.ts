import type { ImageResult } from '../../publisher/events.ts';
import type { WantedImage } from '../../publisher/image.ts';
import type { PlatformResult } from '../../publisher/results.ts';
import type { RegistryClient } from '../../publisher/registry/client.ts';
import { expandWishes, type Expansion, type WishedImage } from '../../wishlist/expand.ts';
import type { Failure } from '../../wishlist/failure.ts';
import { position, type Problem } from '../../wishlist/problem.ts';
import { publicName } from '../../wishlist/reference.ts';
import { readRecipe, type Recipe } from '../../wishlist/recipe.ts';
import type { Command, Context } from '../command.ts';
import type { ExitStatus } from '../exit-status.ts';
import { publishEverywhere, statusOf, withRegistry } from '../publishing.ts';

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
  const expansion = await expandWishes(recipe.wishes, async (reference) => await client.listTags(reference), {
    ...recipe.defaults,
    platforms: recipe.defaults.platforms ?? configuration.platforms,
  });
  const warnings = [...recipe.problems, ...expansion.problems].filter(
    ({ severity }) => severity === 'warning',
  );
  for (const problem of warnings) observe({ type: 'warning', message: described(recipe, problem) });
  const unusable = failedLines(recipe, expansion);
  for (const { image, result } of unusable) observe({ type: 'image-finished', image, result });

  const targets = recipe.repositories.map((name) => ({
    name,
    images: expansion.images
      .filter(({ repositories }) => repositories?.includes(name) !== false)
      .map(asWanted),
  }));
  const repositories = await publishEverywhere(context, client, targets);
  output.report({ unusable, repositories });
  const status = statusOf(repositories);
  return status === 0 && unusable.length > 0 ? 1 : status;
}

function asWanted({ reference, platforms, wish }: WishedImage): WantedImage {
  return { reference, publicName: publicName(reference), platforms, outputs: wish.settings.outputs };
}

/** Lines that cannot be understood, and patterns that cannot be expanded: each counts as one failed image. */
function failedLines(recipe: Recipe, { failures }: Expansion): PlatformResult[] {
  const errors = recipe.problems.filter(({ severity }) => severity === 'error');
  return [
    ...errors.map((problem) => ({
      image: problem.text,
      platform: undefined,
      result: failed(
        recipe,
        problem,
        problem.code === 'platform-invalid' ? problem.code : 'reference-invalid',
      ),
    })),
    ...failures.map(({ wish, failure }) => ({
      image: wish.text,
      platform: undefined,
      result: failed(
        recipe,
        { line: wish.line, column: undefined, message: failure.message, hint: failure.hint },
        failure.code,
      ),
    })),
  ];
}

/** The event says already that it is a warning. */
function described({ file }: Recipe, { message, hint, ...place }: Problem): string {
  return [`${position(file, place)} ${message}`, hint].filter((part) => part !== undefined).join('; ');
}

function failed(
  { file }: Recipe,
  problem: Pick<Problem, 'line' | 'column' | 'message' | 'hint'>,
  code: Failure['code'],
): ImageResult {
  const message = `${position(file, problem)} ${problem.message}`;
  return { outcome: 'failed', code, message, hint: problem.hint };
}
