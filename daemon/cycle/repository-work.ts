import { failedResult } from '../../publisher/image/events.ts';
import type { Candidate, Explain, Resolution } from '../../publisher/pipeline/resolve.ts';
import type { WantedImage } from '../../publisher/image/image.ts';
import type { PublishingReport, RepositoryPublisher } from '../../publisher/pipeline/repository-publisher.ts';
import { Results, type Recorder } from '../../publisher/image/results.ts';
import { asFailure, isFailure, stackOf, withHint, type Failure } from '../../core/failure.ts';
import { groupBy } from '../../core/group-by.ts';
import { DEFAULT_KEEP, type RemovalKnowledge } from '../../wishlist/meaning/removal.ts';
import { passedOverProblems } from '../../wishlist/meaning/expansion-problems.ts';
import { planRepository, type Plan } from '../../wishlist/meaning/plan.ts';
import type { RefusedImages } from '../../wishlist/meaning/uncertainty.ts';
import type { WishedImage } from '../../wishlist/meaning/wished-image.ts';
import type { RemovedName } from '../output/results.ts';
import { textOf } from '../output/recipe-lines.ts';
import { isDue } from '../state/state.ts';
import type { KnownState } from './state-store.ts';
import type { CycleContext } from './context.ts';
import { isGivenUp, killedProcess } from './in-flight.ts';
import { CycleRecorder } from './cycle-recorder.ts';
import { NameRemoval } from './removing.ts';
import { askersIn, type Origins } from './askers.ts';
import { soon, staged } from './staged.ts';

export interface RepositoryReport extends PublishingReport {
  readonly repository: string;
  /** Images whose public names were taken back. */
  readonly removed: readonly RemovedName[];
  /** The repository could not be read; no image was reported then. */
  readonly isUnusable: boolean;
}

/** Work on one repository. */
export interface Task {
  readonly repository: string;
  readonly wanted: readonly WishedImage[];
  /** What the wishes mean beside `wanted`; `undefined` if that is only a part, so that nothing can be planned. */
  readonly known: TaskKnowledge | undefined;
}

export interface TaskKnowledge extends Pick<RemovalKnowledge, 'uncertainties' | 'patterns' | 'sources'> {
  readonly origins: Origins;
  /** What the lines of sources ask for that are refused. */
  readonly refused: readonly RefusedImages[];
  /** False once another cycle has begun: it knows better. */
  readonly isLatest: () => boolean;
}

/** A resolution without its candidates, so that they can be freed once published. */
type Seen = Pick<Resolution, 'resolved' | 'passedOver'>;

interface Planning {
  /** What was known when the registries were asked, or later. */
  readonly known: KnownState;
  /** Called when the plan is made; what goes is removed after that. */
  readonly onPlanned?: () => void;
}

/**
 * Publishes the wished images of one repository. Failures are in the report.
 *
 * @param onPlanned called when the plan is made, or cannot be made
 */
export async function workOn(
  task: Task,
  context: CycleContext,
  onPlanned: () => void = () => undefined,
): Promise<RepositoryReport> {
  const work = new RepositoryWork(task, context);
  try {
    return await work.run(onPlanned);
  } finally {
    onPlanned();
  }
}

class RepositoryWork {
  readonly #task: Task;
  readonly #context: CycleContext;
  readonly #recorder: CycleRecorder;
  #results: Results;
  /** Public names that their registries were asked for and did not have. */
  readonly #unknownTags = new Set<string>();
  /** Registries that have not answered yet. */
  readonly #pending = new Set<string>();
  readonly #removed: RemovedName[] = [];
  #isUnusable = true;
  #publications = 0;

  constructor(task: Task, context: CycleContext) {
    this.#task = task;
    this.#context = context;
    this.#recorder = new CycleRecorder(task.repository, context);
    this.#results = new Results(task.wanted, () => undefined);
  }

  async run(onPlanned: () => void): Promise<RepositoryReport> {
    const { repository } = this.#task;
    let stopped: Failure | undefined;
    try {
      await this.#context.pool.use(repository, async (publisher) => {
        await this.#publish(publisher, onPlanned);
      });
    } catch (error) {
      // Failures that are not one image's are this repository's, and no other one's.
      stopped = this.#reported(error);
      this.#results.finishRest(failedResult(stopped));
    }
    for (const { part, failure } of await this.#recorder.end(stopped))
      this.#results.revise(part, failedResult(failure));
    const images = this.#results.all();
    return {
      repository,
      images,
      publications: this.#publications,
      removed: this.#removed,
      stopped,
      isUnusable: this.#isUnusable,
    };
  }

  readonly #settle: Recorder = (part, result, resolved) => {
    if (result.outcome === 'failed' && result.code === 'tag-unknown')
      this.#unknownTags.add(part.wanted.publicName);
    this.#recorder.settle(part, result, resolved);
  };

  async #publish(publisher: RepositoryPublisher, onPlanned: () => void): Promise<void> {
    const { store, observeIn, inFlight } = this.#context;
    const { repository, wanted } = this.#task;
    // Asked first: the state may lack the outcome of an image that ends while it is read.
    const busy = new Set(wanted.filter((image) => publisher.isPublishing(image)));
    const before = await store.before(repository, publisher.view, inFlight.run);
    this.#recorder.begin(before);
    const due = wanted.filter(this.#isDue(before, busy));
    const suspects = suspectsAmong(due, before);
    const others = due.filter(({ publicName }) => !before.deaths.has(publicName));
    this.#results = new Results(due, observeIn(repository), this.#settle);
    this.#isUnusable = false;
    const begun = publisher.publications;
    const passes: Seen[] = [];
    const common = { results: this.#results, groupOf: groups(wanted), onCandidates: this.#recorder.found };
    // Registries are independent: the images of one are published while others are still asked.
    const ofRegistries = [...groupBy(others, ({ reference }) => reference.registry)].map(
      ([registry, images]) => {
        this.#pending.add(registry);
        return staged(async (onLooked) => {
          const release = this.#claim(publisher, images);
          try {
            const options = { ...common, explain: this.#explain(images) };
            await publisher.publishResolved(images, options, async (pass) => {
              await this.#looked(images, pass);
              passes.push(pass);
              this.#pending.delete(registry);
              onLooked();
            });
          } finally {
            await release();
          }
        });
      },
    );
    const plan = async (): Promise<void> => {
      const looked = Promise.all(ofRegistries.map(async ({ first }) => await first));
      const isSoon = await soon(looked, this.#context.patienceMs);
      await this.#tryToPlan(publisher, passes, { known: before, onPlanned });
      onPlanned();
      if (isSoon) return;
      await looked;
      // Much may have been published since.
      const remembered = await store.remembered(repository);
      if (remembered !== undefined)
        await this.#tryToPlan(publisher, passes, { known: { ...before, ...remembered } });
    };
    const release = this.#claim(publisher, suspects);
    try {
      const ends = await Promise.allSettled([plan(), ...ofRegistries.map(async ({ ended }) => await ended)]);
      const failed = ends.find((end) => end.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
      for (const image of suspects) await this.#tryAlone(publisher, image, before);
    } finally {
      await release();
      this.#publications = publisher.publications - begun;
    }
  }

  /**
   * Marks images as on their way.
   *
   * @returns ends that, once their outcomes are recorded: the next cycle starts from the state
   */
  #claim(publisher: RepositoryPublisher, images: readonly WishedImage[]): () => Promise<void> {
    const release = publisher.claim(images);
    return async () => {
      // Errors in recording are reported at the end.
      await this.#recorder.written().catch(() => undefined);
      release();
    };
  }

  async #looked(images: readonly WishedImage[], pass: Seen): Promise<void> {
    await this.#passOver(images, pass);
    await this.#recorder.looked(pass);
  }

  /** Works on an image that processes died of: if it kills this one too, no other work is lost. */
  async #tryAlone(publisher: RepositoryPublisher, image: WishedImage, before: KnownState): Promise<void> {
    const { inFlight } = this.#context;
    const { repository } = this.#task;
    // It may be the last thing that this process does.
    await this.#recorder.written();
    const acquit = inFlight.suspect(repository, image.publicName);
    try {
      await inFlight.alone(async () => await this.#publishAlone(publisher, image, before));
    } finally {
      acquit();
    }
  }

  async #publishAlone(publisher: RepositoryPublisher, image: WishedImage, before: KnownState): Promise<void> {
    const death = before.deaths.get(image.publicName);
    const givenUp = death !== undefined && isGivenUp(death) ? death : undefined;
    const failed = givenUp && failedResult(killedProcess(givenUp));
    if (failed !== undefined && givenUp?.digest === undefined) {
      this.#results.finish({ wanted: image, platform: undefined }, failed);
      return;
    }
    const explain = this.#explain([image]);
    const pass = await publisher.resolve([image], this.#results, { explain, isAlone: true });
    const candidates = pass.candidates.filter(({ part, resolved }) => {
      if (failed === undefined || resolved.manifest.digest !== givenUp?.digest) return true;
      this.#results.finish(part, failed, resolved);
      return false;
    });
    this.#recorder.found(candidates);
    await this.#looked([image], pass);
    await publisher.publishImages({ ...pass, candidates }, groups([image]));
  }

  #explain(images: readonly WishedImage[]): Explain | undefined {
    const { explain } = this.#context;
    if (explain === undefined) return undefined;
    const byWanted = new Map<WantedImage, WishedImage>(images.map((image) => [image, image]));
    return async (wanted, failure) => {
      const image = byWanted.get(wanted);
      return image === undefined ? failure : await explain(image, failure);
    };
  }

  #isDue({ failing, isPaused }: KnownState, busy: ReadonlySet<WishedImage>): (image: WishedImage) => boolean {
    const { isDone = () => false } = this.#context;
    if (!this.#context.respectBackoff) return (image) => !isDone(this.#task.repository, image);
    const nowMs = this.#context.nowMs();
    return (image) => {
      const failed = failing.get(image.publicName);
      return !isPaused && (failed === undefined || isDue(failed, nowMs)) && !busy.has(image);
    };
  }

  /** Logs one note for each pattern that matches something other than images. */
  async #passOver(looked: readonly WishedImage[], pass: Seen): Promise<void> {
    const { repository } = this.#task;
    const { store, observeIn } = this.#context;
    const passed = looked.filter((image) => pass.passedOver.has(image));
    for (const problem of passedOverProblems(passed, (image) => pass.passedOver.get(image)))
      observeIn(repository)({ type: 'note', message: textOf(problem) });
    await store.looked(repository, looked, passed);
  }

  /** Logs bugs with their stacks. */
  #reported(error: unknown): Failure {
    const { repository } = this.#task;
    const failure = asFailure(error);
    if (failure.code === 'bug')
      this.#context.observeIn(repository)({ type: 'bug', image: repository, stack: stackOf(failure) });
    return failure;
  }

  /** Publishing does not depend on the plan. */
  async #tryToPlan(
    publisher: RepositoryPublisher,
    passes: readonly Seen[],
    planning: Planning,
  ): Promise<void> {
    try {
      await this.#plan(publisher, passes, planning);
    } catch (error) {
      if (isFailure(error, 'interrupted')) throw error;
      if (!isFailure(error)) this.#reported(error);
      else {
        const message = `what is to be removed is not known, and nothing is: ${withHint(error)}`;
        this.#context.observeIn(this.#task.repository)({ type: 'warning', message });
      }
    }
  }

  /** @param passes resolutions of the registries that have answered */
  async #plan(
    publisher: RepositoryPublisher,
    passes: readonly Seen[],
    { known, onPlanned = () => undefined }: Planning,
  ): Promise<void> {
    const { repository, known: meaning } = this.#task;
    if (meaning?.isLatest() !== true) return;
    const lacksTag = (name: string): boolean =>
      this.#unknownTags.has(name) || known.failing.get(name)?.failure.code === 'tag-unknown';
    const asked = [...askersIn(repository, this.#task.wanted, meaning.origins).values()];
    const asking = new Set(asked.flatMap(({ sources }) => sources));
    const removal = new NameRemoval(
      {
        repository,
        publisher,
        remembered: known,
        isPaused: known.isPaused,
        wanted: this.#task.wanted,
        isLatest: meaning.isLatest,
        isEmptied: (source) => meaning.sources.read.has(source) && !asking.has(source),
        refused: meaning.refused,
        pending: [...this.#pending],
        lacksTag,
        plan: (published, tags, { latestMs }) =>
          this.#planOf(passes, meaning, { published, tags, nowMs: latestMs }),
      },
      this.#context,
    );
    await removal.findKept();
    // Before anything else waits: what is planned is published meanwhile.
    this.#context.onPlan?.(repository, removal.plan);
    onPlanned();
    for (const one of await removal.run()) this.#removed.push(one);
  }

  #planOf(
    passes: readonly Seen[],
    meaning: TaskKnowledge,
    { published, tags, nowMs }: Pick<RemovalKnowledge, 'tags' | 'nowMs'> & Pick<KnownState, 'published'>,
  ): Plan {
    const resolved = new Map(passes.flatMap((pass) => [...pass.resolved]));
    const passedOver = new Map(passes.flatMap((pass) => [...pass.passedOver]));
    const names = new Set(published.map(({ publicName }) => publicName));
    // What was an image before stays published.
    const wanted = this.#task.wanted.filter((image) => !passedOver.has(image) || names.has(image.publicName));
    return planRepository(this.#task.repository, wanted, published, {
      ...meaning,
      resolved: (image) => resolved.get(image),
      tags,
      keep: DEFAULT_KEEP,
      nowMs,
    });
  }
}

/** Images that processes died of, the most suspect last. */
function suspectsAmong(images: readonly WishedImage[], { deaths }: KnownState): WishedImage[] {
  const countOf = ({ publicName }: WishedImage): number => deaths.get(publicName)?.count ?? 0;
  const suspects = images.filter(({ publicName }) => deaths.has(publicName));
  return suspects.toSorted((one, other) => countOf(one) - countOf(other));
}

/** Groups images by source: sources take turns. */
function groups(wanted: readonly WishedImage[]): (candidate: Candidate) => string {
  const sources = new Map(
    wanted.map(({ publicName, wishes }) => [publicName, wishes[0]?.wish.origin?.source ?? '']),
  );
  return ({ part }) => sources.get(part.wanted.publicName) ?? '';
}
