import { realpath } from 'node:fs/promises';
import { failedResult, type Event, type Observer } from '../../../publisher/image/events.ts';
import type { RegistryClient } from '../../../publisher/registry/client.ts';
import type { PlatformResult } from '../../../publisher/image/results.ts';
import { stackOf } from '../../../core/failure.ts';
import { hasCode } from '../../../core/system-error.ts';
import { readRecipe } from '../../../wishlist/recipe/recipe.ts';
import { groupBy } from '../../../core/group-by.ts';
import type { ListTags } from '../../../wishlist/meaning/expand.ts';
import type { Context } from '../../output/context.ts';
import { configuredPolicy, configuredSettings } from '../../configuration/limits.ts';
import { createExplain } from '../../checking/suggestions.ts';
import { runCycle, type Expanded, type Wishlists } from '../../cycle/cycle.ts';
import { PatientLists, StillRead } from '../../cycle/patient-lists.ts';
import type { RepositoryReport } from '../../cycle/repository-work.ts';
import type { CycleContext } from '../../cycle/context.ts';
import type { ExitStatus } from '../../output/exit-status.ts';
import { statusOf, tellUnusable, withPublishing } from '../../cycle/publishing.ts';
import { problemEvents } from '../../output/recipe-lines.ts';
import { readConfiguredSources, staleText } from '../../configuration/sources/sources.ts';

export async function convert(context: Context): Promise<ExitStatus> {
  warnOfEmptyImages(context);
  return await withPublishing(context, true, async (parts) => await convertOnce(context, parts));
}

/** Chains and the podman store are made of layers. */
export function warnOfEmptyImages({ configuration, observe }: Context): void {
  if (!configuration.skipFlat || !configuration.skipLayers) return;
  const message = 'skip-flat and skip-layers together publish nothing of an image but its manifest';
  observe({ type: 'warning', message });
}

/** Most registries answer within seconds: their images need not wait for slow ones. */
const PATIENCE_MS = 30_000;

/**
 * Runs a cycle and waits for its publications; further cycles follow for tag lists that arrive late.
 *
 * @param patienceMs how long images of other registries wait for a tag list
 */
export async function convertOnce(
  context: Context,
  parts: CycleContext & { readonly client: RegistryClient },
  patienceMs = PATIENCE_MS,
): Promise<ExitStatus> {
  const { observe, output, configuration, signal } = context;
  const listTags: ListTags = async (reference) => await parts.client.listTags(reference);
  const lists = new PatientLists(listTags, { patienceMs, signal, isKept: true });
  const told = new Set<string>();
  let found: Expanded | undefined;
  const cycle = async (more: Pick<CycleContext, 'isDone'> = {}): ReturnType<typeof runCycle> =>
    await runCycle({
      ...parts,
      ...more,
      listTags: lists.round(),
      settings: configuredSettings(configuration),
      policy: configuredPolicy(configuration),
      explain: createExplain(listTags, () => found?.expansion.images ?? [], true),
      readWishlists: async () => await wishlistsOf(context),
      onExpanded: (expanded) => {
        found = expanded;
        reportProblems(expanded, told, observe);
      },
    });
  const ends = [(await cycle()).ended];
  const done = new Set<string>();
  try {
    while (lists.isLate) {
      for (const image of found === undefined ? [] : imagesOf(found)) done.add(image);
      await lists.news();
      const { ended } = await cycle({
        isDone: (repository, { publicName }) => done.has(`${repository} ${publicName}`),
      });
      ends.push(ended);
    }
  } finally {
    await Promise.allSettled(ends);
  }
  const repositories = together(await Promise.all(ends));
  tellUnusable(context, repositories);
  const unusable = found === undefined ? [] : unusableLines(found.lines);
  output.report({ unusable, repositories });
  const status = statusOf(repositories);
  const isComplete = unusable.length === 0 && found?.sources.every(({ content }) => content !== undefined);
  return status === 0 && isComplete !== true ? 1 : status;
}

function imagesOf({ expansion }: Expanded): string[] {
  return expansion.images.flatMap(({ repositories, publicName }) =>
    repositories.map((repository) => `${repository} ${publicName}`),
  );
}

/** Merges the reports of all cycles. */
function together(cycles: readonly (readonly RepositoryReport[])[]): RepositoryReport[] {
  const reports = groupBy(cycles.flat(), ({ repository }) => repository);
  return Array.from(reports, ([repository, ofOne]) => ({
    repository,
    images: ofOne.flatMap(({ images }) => images),
    publications: ofOne.reduce((sum, { publications }) => sum + publications, 0),
    removed: ofOne.flatMap(({ removed }) => removed),
    stopped: ofOne.find(({ stopped }) => stopped !== undefined)?.stopped,
    isUnusable: ofOne.every(({ isUnusable }) => isUnusable),
  }));
}

/** The named recipe, or what is in force of all sources; a source of which nothing is known is a failure. */
async function wishlistsOf(context: Context): Promise<Wishlists> {
  const [file] = context.arguments;
  if (file !== undefined) {
    const recipes = [await readRecipe(file, context.configuration)];
    return { recipes, sources: [], recipePath: await recipePathOf(file) };
  }
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

/** By which a recipe is known; `undefined` for what comes through a pipe, and is nobody's the next time. */
async function recipePathOf(file: string): Promise<string | undefined> {
  try {
    return await realpath(file);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Reports each problem once, in whichever cycle it comes up; tag lists that may still arrive are not problems. */
function reportProblems(found: Expanded, told: Set<string>, observe: Observer): void {
  const tell = (event: Event, text: string): void => {
    if (!told.has(text)) observe(event);
    told.add(text);
  };
  for (const event of problemEvents(found.recipes, found.expansion)) tell(event, event.message);
  const late = found.expansion.failures.filter(({ failure }) => failure instanceof StillRead);
  const lateLines = new Set(late.map(({ wish }) => wish.text));
  const lines = found.lines.filter(({ text }) => !lateLines.has(text));
  for (const { image, result } of unusableLines(lines))
    tell({ type: 'image-finished', image, result }, `line ${image}`);
}

function unusableLines(lines: Expanded['lines']): PlatformResult[] {
  return lines.map(({ text: image, failure }) => ({
    image,
    platform: undefined,
    result: failedResult(failure),
  }));
}
