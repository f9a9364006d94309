import { Failure, withHint } from '../../../core/failure.ts';
import { formatPlatform } from '../../../core/oci/platform.ts';
import { formatReference } from '../../../core/oci/reference.ts';
import { localTime, counted } from '../../../core/text.ts';
import { expandRecipes, type WishedImage } from '../../../wishlist/meaning/expand.ts';
import { convertImageList } from '../../../wishlist/recipe/image-list.ts';
import { position } from '../../../wishlist/recipe/problem.ts';
import { readRecipe, type Recipe } from '../../../wishlist/recipe/recipe.ts';
import { readTextFile } from '../../../wishlist/recipe/text-file.ts';
import type { SourceContent, SourceState } from '../../../wishlist/sources/source.ts';
import { configuredPolicy, configuredSettings } from '../../configuration/limits.ts';
import { redact } from '../../configuration/secrets.ts';
import { assertRepositoryName } from '../../configuration/repositories.ts';
import { readConfiguredSources } from '../../configuration/sources/sources.ts';
import { withRegistry } from '../../cycle/publishing.ts';
import { takeState } from '../../cycle/publisher-pool.ts';
import type { Context } from '../../output/context.ts';
import type { ExitStatus } from '../../output/exit-status.ts';
import { failedLines, problemEvents } from '../../output/recipe-lines.ts';
import { commitText } from '../../output/format.ts';
import { problemDocument } from '../../output/results.ts';

export async function expandWishlists(context: Context): Promise<ExitStatus> {
  const { arguments: files, configuration, observe, output } = context;
  const recipes: Recipe[] = [];
  for (const file of files) recipes.push(await readRecipe(file, configuration));
  const settings = configuredSettings(configuration);
  const policy = configuredPolicy(configuration);
  const expansion = await withRegistry(
    context,
    async (client) => await expandRecipes(recipes, client.listTags.bind(client), settings, policy),
  );
  for (const event of problemEvents(recipes, expansion)) observe(event);
  const failures = failedLines(recipes, expansion).map(({ failure }) => failure);
  for (const failure of failures) output.failure(failure);
  output.print([...new Set(expansion.images.map(({ publicName }) => `${publicName}\n`))].join(''), {
    images: expansion.images.map(imageDocument),
    problems: failures.map(problemDocument),
  });
  return failures.length === 0 ? 0 : 1;
}

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

export async function importImages({
  arguments: [file = '', repository = ''],
  observe,
  output,
}: Context): Promise<ExitStatus> {
  assertRepositoryName(repository);
  const { recipe, images, problems } = convertImageList(await readTextFile(file), repository);
  for (const problem of problems) {
    const message = `${position(file, problem)} ${problem.message}`;
    const { severity, hint } = problem;
    if (severity === 'warning') observe({ type: 'warning', message: withHint({ message, hint }) });
    else output.failure(new Failure('reference-invalid', message, { hint }));
  }
  // strings of a document must not have line ends
  output.print(recipe, { recipe: recipe.trimEnd().split('\n'), images, problems });
  return problems.some(({ severity }) => severity === 'error') ? 1 : 0;
}

export async function showSources(context: Context): Promise<ExitStatus> {
  await takeState(context.configuration, (message) => context.observe({ type: 'note', message }));
  const states = await readConfiguredSources(context);
  context.output.print(states.map((state) => `${redact(lineOf(state))}\n`).join(''), states.map(documentOf));
  return states.every(({ failure }) => failure === undefined) ? 0 : 1;
}

function lineOf({ name, content, failure, failingSince }: SourceState): string {
  const parts = [content === undefined ? 'nothing is known of it' : contentText(content)];
  if (failure !== undefined)
    parts.push(`failing since ${localTime(failingSince ?? '')}: ${withHint(failure)} [${failure.code}]`);
  return `${name}: ${parts.join('; ')}`;
}

function contentText({ recipes, commit, since }: SourceContent): string {
  const { wishes, errors, warnings } = countsOf(recipes);
  const origin = commit === undefined ? '' : `${commitText(commit)}, `;
  const problems = `${counted(errors, 'error')}, ${counted(warnings, 'warning')}`;
  return `${origin}in force since ${localTime(since)}, ${counted(wishes, 'wish', 'wishes')}, ${problems}`;
}

function documentOf({ name, content, fetchedAt, failure, failingSince }: SourceState): unknown {
  return {
    name,
    content: content && {
      since: content.since,
      commit: content.commit,
      recipes: content.recipes.map(({ file, repositories }) => ({ file, repositories })),
      ...countsOf(content.recipes),
    },
    fetchedAt,
    failure: failure && problemDocument(failure),
    failingSince,
  };
}

function countsOf(recipes: readonly Recipe[]): { wishes: number; errors: number; warnings: number } {
  const problems = recipes.flatMap((recipe) => recipe.problems);
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const wishes = recipes.reduce((sum, recipe) => sum + recipe.wishes.length, 0);
  return { wishes, errors, warnings: problems.length - errors };
}
