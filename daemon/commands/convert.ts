import { failedResult, type Observer } from '../../publisher/events.ts';
import type { RegistryClient } from '../../publisher/registry/client.ts';
import type { PlatformResult } from '../../publisher/results.ts';
import { stackOf } from '../../wishlist/failure.ts';
import { readRecipe } from '../../wishlist/recipe/recipe.ts';
import type { Command, Context } from '../command.ts';
import { configuredPolicy, configuredSettings } from '../configured-settings.ts';
import { createExplain } from '../cycle/explain.ts';
import { runCycle, type Expanded, type Wishlists } from '../cycle/cycle.ts';
import type { WorkParts } from '../cycle/repository-work.ts';
import type { ExitStatus } from '../exit-status.ts';
import { statusOf, tellUnusable, withPublishing } from '../publishing.ts';
import { noteTexts, warningTexts } from '../recipe-lines.ts';
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
  run: async (context) => await withPublishing(context, true, async (parts) => await convert(context, parts)),
};

/** One cycle, and everything that comes of it. */
async function convert(
  context: Context,
  parts: WorkParts & { readonly client: RegistryClient },
): Promise<ExitStatus> {
  const { observe, output, configuration } = context;
  let found: Expanded | undefined;
  const { ended } = await runCycle({
    ...parts,
    settings: configuredSettings(configuration),
    policy: configuredPolicy(configuration),
    explain: createExplain({
      listTags: async (reference) => await parts.client.listTags(reference),
      images: () => found?.expansion.images ?? [],
      hasLines: true,
    }),
    readWishlists: async () => await wishlistsOf(context),
    onExpanded: (expanded) => {
      found = expanded;
      tellProblems(expanded, observe);
    },
  });
  const repositories = await ended;
  tellUnusable(context, repositories);
  const unusable = found === undefined ? [] : unusableLines(found);
  output.report({ unusable, repositories });
  const status = statusOf(repositories);
  const isComplete = unusable.length === 0 && found?.sources.every(({ content }) => content !== undefined);
  return status === 0 && isComplete !== true ? 1 : status;
}

/** The recipe that was named, or what is in force of all sources: those of which nothing is known are failures. */
async function wishlistsOf(context: Context): Promise<Wishlists> {
  const [file] = context.arguments;
  if (file !== undefined) return { recipes: [await readRecipe(file, context.configuration)], sources: [] };
  const sources = await readConfiguredSources(context);
  for (const { name, content, failure, failingSince } of sources) {
    if (failure === undefined) continue;
    if (failure.code === 'bug')
      context.observe({ type: 'bug', image: `source ${name}`, stack: stackOf(failure) });
    if (content === undefined) context.output.failure(failure);
    else context.observe({ type: 'warning', message: staleText(failure, failingSince) });
  }
  return { recipes: sources.flatMap(({ content }) => content?.recipes ?? []), sources };
}

function tellProblems(found: Expanded, observe: Observer): void {
  for (const message of warningTexts(found.recipes, found.expansion)) observe({ type: 'warning', message });
  for (const message of noteTexts(found.recipes, found.expansion)) observe({ type: 'note', message });
  for (const { image, result } of unusableLines(found)) observe({ type: 'image-finished', image, result });
}

function unusableLines({ lines }: Expanded): PlatformResult[] {
  return lines.map(({ text, failure }) => ({
    image: text,
    platform: undefined,
    result: failedResult(failure),
  }));
}
