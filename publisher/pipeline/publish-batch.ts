import { formatBytes, counted } from '../../core/text.ts';
import { Failure, isFailure } from '../../core/failure.ts';
import { exceeds, weightOfDemand, type Demand } from '../../core/system/free-space.ts';
import { failedResult, type ImageResult, type Observer } from '../image/events.ts';
import { ownFailure } from '../image/own-failure.ts';
import { labelOf } from '../image/results.ts';
import { weightOf } from './batches.ts';
import { refused, type PublishingContext } from './context.ts';
import { isPublished, publishNothing, publishTogether, type ReadyCandidate } from './publication.ts';

export interface BatchReport {
  readonly results: ReadonlyMap<ReadyCandidate, ImageResult>;
  readonly publications: number;
  /** Ended the batch before all images had results: a failure that is none of theirs. */
  readonly stopped: unknown;
}

/** Publishes a batch at once, and holds the repository for the publication alone. An image that cannot be composed fails alone. */
export async function publishBatch(
  batch: readonly ReadyCandidate[],
  context: PublishingContext,
): Promise<BatchReport> {
  const publishing = new BatchPublishing({ ...context, observe: onceEach(context.observe) });
  let stopped: unknown;
  try {
    await publishing.publish(batch);
  } catch (error) {
    stopped = error;
  }
  return { results: publishing.results, publications: publishing.publications, stopped };
}

class BatchPublishing {
  readonly results = new Map<ReadyCandidate, ImageResult>();
  publications = 0;
  readonly #context: PublishingContext;
  /** By image that was composed. */
  readonly #demands = new Map<ReadyCandidate, Demand>();
  /** True once something was published after the last refusal. */
  #isUsable = false;
  /** Images in a row that the repository did not take. */
  #refused = 0;

  constructor(context: PublishingContext) {
    this.#context = context;
  }

  /**
   * Where the publication as a whole fails, an image may be to blame, and nobody says which: the halves are published
   * instead, down to the image that fails alone. Bounded: by the number of halves.
   *
   * @throws Failure that is no image's own
   */
  async publish(batch: readonly ReadyCandidate[]): Promise<void> {
    const [first] = batch;
    if (first === undefined) return;
    try {
      await this.#publishTogether(batch);
    } catch (error) {
      if (isFailure(error, 'disk-full') && (await gaveUpPacks(batch))) {
        await this.publish(batch);
        return;
      }
      const isAlone = batch.length === 1;
      const failure = await this.#blamed(error, first, isAlone);
      if (isAlone) {
        this.results.set(first, failedResult(failure));
        return;
      }
      if (failure.code === 'disk-full') {
        await this.#publishWhatFits(batch);
        return;
      }
      const half = Math.ceil(batch.length / 2);
      await this.publish(batch.slice(0, half));
      await this.publish(batch.slice(half));
    }
  }

  /**
   * There is no room for all of them: those that bring least come first. Where one does not fit, none does that needs more
   * than is free then. So few publications are tried in vain, also where there is no room at all.
   */
  async #publishWhatFits(batch: readonly ReadyCandidate[]): Promise<void> {
    let rest = batch.toSorted((one, other) => this.#weightOf(one) - this.#weightOf(other));
    for (let count = Math.ceil(rest.length / 2); rest.length > 0;) {
      const part = rest.slice(0, count);
      try {
        await this.#publishTogether(part);
        rest = rest.slice(count);
        count *= 2;
      } catch (error) {
        if (!isFailure(error, 'disk-full')) {
          await this.publish(part);
          rest = rest.slice(count);
        } else if (part.length > 1) count = Math.ceil(part.length / 2);
        else rest = this.#withoutRoom(rest, error);
      }
    }
  }

  /**
   * Fails the first of `rest`, for which there was no room, and those for which there can be none then: where nobody knows
   * what is free, all that bring more than a few that did not fit.
   *
   * @returns those for which there may be room
   */
  #withoutRoom(rest: readonly ReadyCandidate[], failure: Failure): ReadyCandidate[] {
    const { backend, repository } = this.#context;
    const room = backend.room(repository);
    const isFull = room.bytes === undefined && ++this.#refused >= MOST_REFUSED;
    return rest.filter((candidate, index) => {
      const demand = this.#demands.get(candidate);
      if (index > 0 && !isFull && (demand === undefined || !exceeds(demand, room))) return true;
      this.results.set(candidate, failedResult(index === 0 ? failure : larger(candidate, demand, failure)));
      return false;
    });
  }

  #weightOf(candidate: ReadyCandidate): number {
    const demand = this.#demands.get(candidate);
    return demand === undefined ? weightOf(candidate) : weightOfDemand(demand);
  }

  async #publishTogether(batch: readonly ReadyCandidate[]): Promise<void> {
    const results = await publishTogether(batch, this.#context, this.#demands);
    for (const [candidate, result] of results) this.results.set(candidate, result);
    if (![...results.values()].some(isPublished)) return;
    this.publications++;
    this.#isUsable = true;
    this.#refused = 0;
  }

  /**
   * Finds the failure of images that were to be published together.
   *
   * @throws `error` where nothing can be published: that is nobody's
   */
  async #blamed(error: unknown, { part }: ReadyCandidate, isAlone: boolean): Promise<Failure> {
    const own = ownFailure(error, labelOf(part), isAlone ? this.#context.observe : IGNORE);
    if (own !== undefined) return own;
    if (!isFailure(error, 'repository-unusable')) throw error;
    if (isAlone && ++this.#refused > MOST_REFUSED) throw error;
    if (!this.#isUsable) await publishNothing(this.#context);
    // An image that is to blame says nothing of the next one.
    this.#isUsable = !isAlone;
    return refused(error);
  }
}

/** What is aside of images may take the room that their publication needs. @returns whether anything was */
async function gaveUpPacks(batch: readonly ReadyCandidate[]): Promise<boolean> {
  const packs = batch.flatMap(({ image }) =>
    [...(image.packs?.values() ?? [])].filter(({ isOpen }) => isOpen),
  );
  for (const pack of packs) await pack.close();
  return packs.length > 0;
}

/** Beyond so many in a row, it is the repository that takes none. */
const MOST_REFUSED = 3;

/** The failure of an image that brings more than the one that `failure` is about. */
function larger(
  candidate: ReadyCandidate,
  demand: Demand | undefined,
  { code, message, hint }: Failure,
): Failure {
  const size =
    demand === undefined
      ? `its layers have ${formatBytes(weightOf(candidate))} compressed`
      : `it brings ${formatBytes(demand.bytes)} in ${counted(demand.inodes, 'file')}`;
  return new Failure(code, `${size}, and an image that brings less failed: ${message}`, {
    hint,
  });
}

const IGNORE: Observer = () => undefined;

/** Reports once what turns out again when an image is composed again. */
function onceEach(observe: Observer): Observer {
  const reported = new Set<string>();
  return (event) => {
    const text = event.type === 'warning' ? event.message : event.type === 'bug' ? event.stack : undefined;
    if (text !== undefined && reported.has(text)) return;
    if (text !== undefined) reported.add(text);
    observe(event);
  };
}
