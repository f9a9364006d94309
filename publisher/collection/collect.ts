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
  const { clientRoot, view } = publisher;
  // Most collections find nothing to do, and need not wait for their turn.
  const seen = await planStep({ view, clientRoot, revision: undefined }, options);
  if (options.isDryRun || seen.publication === undefined) return reportOf([seen], 0);
  const steps: Step[] = [];
  let swept = 0;
  for (;;) {
    const step = await publishStep(publisher, options);
    steps.push(step);
    swept += step.swept.length;
    const due = step.waiting.filter((one) => one.due <= options.nowMs).length;
    options.onProgress?.(swept, step.isMore ? swept + due : swept);
    if (!step.isMore || step.publication === undefined || options.signal?.aborted === true)
      return reportOf(steps, steps.filter(({ publication }) => publication !== undefined).length);
  }
}

async function publishStep(publisher: RepositoryPublisher, options: CollectionOptions): Promise<Step> {
  const { clientRoot, name } = publisher;
  let step: Step | undefined;
  await publisher.publish(async (repository) => {
    const place = { view: repository.view, clientRoot, revision: repository.revision() };
    step = await planStep({ ...place, room: await repository.deletionRoom() }, options);
    return step.publication;
  }, `collection of ${name}`);
  if (step === undefined) throw new Error('a publication is composed before it is made');
  return step;
}

/** What all steps do, and what is left after the last of them. */
function reportOf(steps: readonly Step[], publications: number): CollectionReport {
  const last = steps.at(-1);
  return {
    marked: steps.flatMap(({ marked }) => marked),
    unmarked: steps.flatMap(({ unmarked }) => unmarked),
    swept: steps.flatMap(({ swept }) => swept),
    waiting: last?.waiting ?? [],
    notOurs: last?.notOurs ?? [],
    blocked: last?.blocked ?? [],
    publications,
  };
}
