import { asFailure, stackOf, withHint, type Failure } from '../../core/failure.ts';
import { expandRecipes, type Expansion, type ListTags, type Policy } from '../../wishlist/meaning/expand.ts';
import type { Recipe } from '../../wishlist/recipe/recipe.ts';
import type { WishSettings } from '../../wishlist/recipe/settings.ts';
import { failedLines, unmatchedLines, type FailedLine } from '../output/recipe-lines.ts';
import { ANYTHING, type Uncertainty } from '../../wishlist/meaning/uncertainty.ts';
import { askersIn, readSourcesOf, refusedOf, type Origins } from './askers.ts';
import { staged } from './staged.ts';
import { workOn, type RepositoryReport, type Task } from './repository-work.ts';
import type { CycleContext } from './context.ts';

export interface Wishlists extends Origins {
  readonly recipes: readonly Recipe[];
}

export interface CycleOptions extends CycleContext {
  readonly readWishlists: () => Promise<Wishlists>;
  readonly listTags: ListTags;
  /** Defaults for wishes and recipes. */
  readonly settings: WishSettings;
  /** Limits for all wishes. */
  readonly policy: Policy;
  /** Called with the expanded wishes before any work begins. */
  readonly onExpanded: (found: Expanded) => void;
}

export interface Expanded extends Wishlists {
  readonly expansion: Expansion;
  /** Lines that give none or only some of their images. */
  readonly lines: readonly FailedLine[];
}

/**
 * Runs one cycle: reads the wishlists, expands the wishes and plans the work. Fetching, publishing and recording
 * continue in the queues of the repositories.
 *
 * @returns `ended`, which resolves when all work is done, to reports in the order in which the recipes name the repositories
 * @throws Failure if the wishlists cannot be read
 */
export async function runCycle(options: CycleOptions): Promise<{ ended: Promise<RepositoryReport[]> }> {
  const { store, listTags, settings, policy } = options;
  const isLatest = await store.begin();
  options.removal.questions.begin();
  if (options.removal.takesHeld) await store.believeClock();

  const wishlists = await options.readWishlists();
  const { recipes, sources } = wishlists;
  const findHolders = store.findHolders.bind(store);
  const expansion = await expandRecipes(recipes, listTags, settings, { ...policy, findHolders });
  const interrupted = expansion.failures.find(({ failure }) => failure.code === 'interrupted');
  if (interrupted !== undefined) throw interrupted.failure;
  const lines = failedLines(recipes, expansion);
  reportExpanded({ ...wishlists, expansion, lines }, options);

  const { images, repositories, patterns } = expansion;
  const uncertainties = uncertaintiesOf(expansion, wishlists);
  const known = {
    uncertainties,
    patterns,
    refused: refusedOf(expansion.refused, wishlists),
    sources: readSourcesOf(wishlists),
    origins: wishlists,
    isLatest,
  };
  await store.wishlists({
    ...known,
    sources,
    lines: [...lines, ...unmatchedLines(expansion)],
    repositories,
    images,
    readSources: known.sources,
    askersIn: (repository, wished) => askersIn(repository, wished, wishlists),
  });

  const works = repositories.map((repository) => {
    const wanted = images.filter((image) => image.repositories.includes(repository));
    return staged(async (onPlanned) => await workOn({ repository, wanted, known }, options, onPlanned));
  });
  const abandoned = (await store.abandoned(repositories, known.sources)).map((repository) =>
    staged(async (onPlanned) => await leave({ repository, wanted: [], known }, options, onPlanned)),
  );
  await Promise.all([...works, ...abandoned].map(async ({ first }) => await first));
  const ended = Promise.all(works.map(async (work) => await work.ended));
  // Nobody waits for a report on them, but for their end.
  return {
    ended: Promise.all(abandoned.map(async (work) => await work.ended)).then(async () => await ended),
  };
}

/** Removes what is to go from a repository in which nothing is wanted any more. */
async function leave(task: Task, options: CycleOptions, onPlanned: () => void): Promise<void> {
  const { stopped } = await workOn(task, options, onPlanned);
  if (stopped === undefined || stopped.code === 'interrupted') return;
  const message = `nothing can be removed from ${task.repository}, for which nobody asks any more: ${withHint(stopped)}`;
  options.observeIn(task.repository)({ type: 'warning', message });
}

/** What the wishes may mean beside their images: of a source that was never read nothing is known. */
function uncertaintiesOf({ uncertainties }: Expansion, { sources }: Wishlists): readonly Uncertainty[] {
  return sources.some(({ content }) => content === undefined) ? [...uncertainties, ANYTHING] : uncertainties;
}

/** Reports what the wishes mean. An error in reporting does not stop the cycle. */
function reportExpanded(found: Expanded, { observeIn, onExpanded }: CycleOptions): void {
  const report = (repository = '', image: string, failure: Failure): void =>
    observeIn(repository)({ type: 'bug', image, stack: stackOf(failure) });
  for (const { recipe, wish, failure } of found.expansion.failures)
    if (failure.code === 'bug') report(recipe.repositories[0], wish.text, failure);
  try {
    onExpanded(found);
  } catch (error) {
    report(found.expansion.repositories[0], 'the wishes', asFailure(error));
  }
}
