import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { parsePlatformName } from '../../../publisher/image/layout.ts';
import { publishedNames } from '../../../publisher/published/find-published.ts';
import { withReadState } from '../../state/open-state.ts';
import { configuredSettings } from '../../configuration/limits.ts';
import type { PublishedName, RemovalCheck } from '../../checking/removals.ts';
import { ListingStore } from '../../../publisher/layer/listing-store.ts';
import type { RegistryClient } from '../../../publisher/registry/client.ts';
import type { RepositoryView } from '../../../publisher/publication/view.ts';
import { countFindings } from '../../../wishlist/check/finding.ts';
import { Failure, isFailure } from '../../../core/failure.ts';
import type { Recipe } from '../../../wishlist/recipe/recipe.ts';
import type { Wish } from '../../../wishlist/recipe/wish.ts';
import {
  readBaseFile,
  readBases,
  type Base,
  readRecipeSource,
  type RecipeSource,
} from '../../checking/recipe-source.ts';
import { checkRecipes } from '../../checking/check.ts';
import { formatGithub } from '../../checking/formats/github.ts';
import { checkDocument, type CheckReport } from '../../checking/report.ts';
import { formatJunit } from '../../checking/formats/junit.ts';
import { formatMarkdown } from '../../checking/formats/markdown.ts';
import { formatText } from '../../checking/formats/text.ts';
import { RegistryProbe, type WishProbe } from '../../checking/registry-probe.ts';
import { openReportFiles, writeReportFile } from '../../checking/report-files.ts';
import { Suggestions, TagLists } from '../../checking/suggestions.ts';
import type { Context } from '../../output/context.ts';
import { exitStatusOf, type ExitStatus } from '../../output/exit-status.ts';
import type { Configuration } from '../../configuration/options.ts';
import { readConfiguredSources } from '../../configuration/sources/sources.ts';
import { jsonText } from '../../output/results.ts';
import { fileAsker } from '../../cycle/askers.ts';
import { publishedView, createBackend } from '../../cycle/backend.ts';
import { takeState } from '../../cycle/publisher-pool.ts';
import { withRegistry } from '../../cycle/publishing.ts';

export async function checkWishlists(context: Context): Promise<ExitStatus> {
  const { base = context.configuration.baseFile, allowedRegistries } = context.configuration;
  const reportFiles = await openReportFiles(context.configuration.report ?? []);
  const currentDirectory = process.cwd();
  const sources = await recipesOf(context, currentDirectory);
  const bases = await basesOf(context, currentDirectory);
  const removals = removalChecks(context);
  const check = async (ask: Ask | undefined): Promise<CheckReport> =>
    await checkRecipes(sources, bases, { base, allowedRegistries, ask, removals });
  const report = context.configuration.offline
    ? await check(undefined)
    : await withRegistry(context, async (client) => await check(askWith(context, client, sources)));
  const status = print(context, sources, report);
  for (const file of reportFiles) await writeReportFile(file, FORMATS[file.format](report));
  return status;
}

/** The named recipes, or those in force of the configured sources. */
async function recipesOf(context: Context, currentDirectory: string): Promise<RecipeSource[]> {
  const { arguments: files, configuration } = context;
  if (files.length > 0)
    return await Promise.all(
      files.map(async (file) => await readRecipeSource(file, currentDirectory, configuration)),
    );
  const { base = configuration.baseFile, sources } = configuration;
  if (sources.length === 0 || base !== undefined) {
    const why = base === undefined ? ', and no sources are configured' : ' to compare with the base';
    throw new Failure('configuration-invalid', `no recipe is named${why}`, {
      hint: 'name at least one file',
    });
  }
  await takeState(configuration, (message) => context.observe({ type: 'note', message }));
  const states = await readConfiguredSources(context);
  return states.flatMap(({ name, content, failure }): RecipeSource[] => {
    if (content === undefined)
      return failure === undefined ? [] : [{ file: name, lines: [], content: failure }];
    return content.recipes.map((recipe) => ({ file: recipe.file, lines: [], content: recipe }));
  });
}

/** Empty, or a base for each recipe. */
async function basesOf(context: Context, currentDirectory: string): Promise<Base[]> {
  const { configuration, environment, signal, arguments: files } = context;
  const { base, baseFile } = configuration;
  if (base === undefined)
    return baseFile === undefined ? [] : await readBaseFile(baseFile, files, configuration);
  const { wishLimit } = configuration;
  if (baseFile === undefined)
    return await readBases(base, files, { environment, signal, currentDirectory, wishLimit });
  throw new Failure('configuration-invalid', '--base and --base-file exclude each other', {
    hint: 'give one of them',
  });
}

/** What is published, as the state knows it or, elsewhere than where unpackd runs, as clients see it. */
function removalChecks(context: Context): (file: string) => RemovalCheck {
  const { configuration } = context;
  const backend = createBackend(configuration);
  const { removalLimit } = configuration;
  const defaults = configuredSettings(configuration);
  return (file) => ({
    removalLimit,
    defaults,
    publishedIn: async (repository) => {
      const known = await rememberedNames(context, repository, file);
      if (known.length > 0) return known;
      try {
        const view = publishedView(backend, repository);
        return view === undefined ? [] : (await publishedNames(view)).map(parsePlatformName);
      } catch (error) {
        if (isFailure(error, 'repository-unusable')) return [];
        throw error;
      }
    },
  });
}

async function rememberedNames(context: Context, repository: string, file: string): Promise<PublishedName[]> {
  const path = await realpath(file).catch(() => undefined);
  const askers = path === undefined ? [] : [path, fileAsker(path)];
  try {
    const published = await withReadState(context, async (state) => await state.images.published(repository));
    return published.map(({ publicName, platform, askedBy, keep }) => {
      const isOfFile = askedBy.length > 0 && askedBy.every((source) => askers.includes(source));
      return { publicName, platform, remembered: isOfFile ? { keep } : undefined };
    });
  } catch (error) {
    if (isFailure(error, 'state-unusable')) return [];
    throw error;
  }
}

type Ask = (wish: Wish, recipe: Recipe) => Promise<WishProbe>;

function askWith({ configuration }: Context, client: RegistryClient, sources: readonly RecipeSource[]): Ask {
  const recipes = sources.flatMap(({ content }) => (isFailure(content) ? [] : [content]));
  const lists = new TagLists(async (reference) => await client.listTags(reference));
  const wished = recipes.flatMap(({ wishes }) => wishes.map(({ reference }) => reference));
  const listings = new ListingStore(join(configuration.state, 'listings'));
  const backend = createBackend(configuration);
  const viewOf = (repository: string): RepositoryView | undefined => publishedView(backend, repository);
  const sizes = { client, listings, viewOf };
  const probe = new RegistryProbe(
    { sizes, lists, suggestions: new Suggestions(lists, wished) },
    configuration,
  );
  return async (wish, recipe) => {
    const platforms = recipe.defaults.platforms ?? configuration.platforms;
    return await probe.ask({ wish, recipe, defaults: { ...recipe.defaults, platforms } });
  };
}

function print(
  { configuration: { json, format }, output }: Context,
  sources: readonly RecipeSource[],
  report: CheckReport,
): ExitStatus {
  output.raw(FORMATS[json ? 'json' : format](report));
  const [broken] = sources.flatMap(({ content }) => (isFailure(content) ? [content] : []));
  for (const { content } of sources) if (isFailure(content)) output.failure(content);
  if (broken !== undefined) return exitStatusOf(broken);
  return countFindings(report.findings).error === 0 ? 0 : 1;
}

const FORMATS: Readonly<Record<Configuration['format'], (report: CheckReport) => string>> = {
  text: formatText,
  json: (report) => jsonText(checkDocument(report)),
  github: formatGithub,
  markdown: formatMarkdown,
  junit: formatJunit,
};
