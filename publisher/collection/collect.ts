import type { RepositoryPublisher } from '../pipeline/repository-publisher.ts';
import { planStep, type Step } from './plan.ts';
import type { CollectionOptions, CollectionReport } from './report.ts';

/**
 * Marks what nothing in a repository refers to, and takes away what was marked for longer than the grace period.
 *
 * Everything is decided while the repository is held, from what is published then, and again for each publication: so
 * nothing goes that is referred to, a collection that was interrupted is continued by the next one, and two at once do no
 * harm. What cannot be read keeps all that it could refer to.
 *
 * @throws Failure where the repository cannot be read or written: publications before that count
 */
export async function collect(
  publisher: RepositoryPublisher,
  options: CollectionOptions,
): Promise<CollectionReport> {
  const total = new Total();
  for (;;) {
    const step = options.isDryRun ? await lookAt(publisher, options) : await publishStep(publisher, options);
    total.add(step, !options.isDryRun && step.isNeeded);
    const due = step.waiting.filter((one) => one.due <= options.nowMs).length;
    options.onProgress?.(total.swept, step.isMore ? total.swept + due : total.swept);
    if (!step.isMore || options.signal?.aborted === true) return total.reportWith(step);
  }
}

/** What a step would do: the repository is not taken. */
async function lookAt({ clientRoot, view }: RepositoryPublisher, options: CollectionOptions): Promise<Step> {
  const { step } = await planStep({ view, clientRoot, revision: undefined }, options);
  return step;
}

async function publishStep(publisher: RepositoryPublisher, options: CollectionOptions): Promise<Step> {
  const { clientRoot, name } = publisher;
  let step: Step | undefined;
  await publisher.publish(async (repository) => {
    const place = { view: repository.view, clientRoot, revision: repository.revision() };
    const planned = await planStep({ ...place, room: await repository.deletionRoom() }, options);
    step = planned.step;
    return planned.publication;
  }, `collection of ${name}`);
  if (step === undefined) throw new Error('a publication is composed before it is made');
  return step;
}

/** What all steps do together. */
class Total {
  readonly #marked: string[] = [];
  readonly #unmarked: string[] = [];
  readonly #swept: string[] = [];
  #publications = 0;

  get swept(): number {
    return this.#swept.length;
  }

  add({ marked, unmarked, swept }: Step, isPublished: boolean): void {
    for (const name of marked) this.#marked.push(name);
    for (const name of unmarked) this.#unmarked.push(name);
    for (const name of swept) this.#swept.push(name);
    if (isPublished) this.#publications++;
  }

  /** @param last the step after which nothing more is done */
  reportWith({ waiting, notOurs, blocked }: Step): CollectionReport {
    return {
      marked: this.#marked,
      unmarked: this.#unmarked,
      swept: this.#swept,
      waiting,
      notOurs,
      blocked,
      publications: this.#publications,
    };
  }
}
