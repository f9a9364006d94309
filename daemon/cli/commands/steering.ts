import { counted } from '../../../core/text.ts';
import type { Context } from '../../output/context.ts';
import type { ExitStatus } from '../../output/exit-status.ts';
import { wakeDaemon } from '../../service/control.ts';
import { withState } from '../../state/open-state.ts';
import { readImageStatus } from '../../status/image.ts';
import { assertKnownRepository, imageArgument, unknownImage } from '../known.ts';

export async function pause(context: Context): Promise<ExitStatus> {
  const [repository] = context.arguments;
  if (repository !== undefined) await assertKnownRepository(context, repository);
  await withState(context, async ({ repositories }) => await repositories.pause(repository, Date.now()));
  await wakeDaemon(context.configuration.state);
  const what = repository ?? 'all repositories';
  const text = `paused: ${what}; a running publication is finished first, as "unpackd status" shows\n`;
  context.output.print(text, { paused: repository ?? null });
  return 0;
}

export async function resume(context: Context): Promise<ExitStatus> {
  const [repository] = context.arguments;
  if (repository !== undefined) await assertKnownRepository(context, repository);
  const isHeld = await withState(context, async ({ repositories }) => {
    await repositories.resume(repository);
    return (await repositories.allPausedSinceMs()) !== undefined;
  });
  await wakeDaemon(context.configuration.state);
  const what = repository ?? 'all repositories';
  const rest = isHeld ? '; all repositories are still paused: "unpackd resume" resumes them' : '';
  context.output.print(`resumed: ${what}${rest}\n`, { resumed: repository ?? null, isAllPaused: isHeld });
  return 0;
}

export async function retry(context: Context): Promise<ExitStatus> {
  const [named] = context.arguments;
  const image = named === undefined ? undefined : imageArgument(named);
  const { state: directory } = context.configuration;
  const count = await withState(context, async (state) => {
    const found = await state.attempts.retry(image, Date.now());
    await state.deaths.retry(image);
    const isUnknown =
      image !== undefined && found === 0 && (await readImageStatus(state, image)).length === 0;
    if (isUnknown) throw await unknownImage(state, image);
    return found;
  });
  if (count === 0) {
    const text = image === undefined ? 'no image fails' : `${image} does not fail`;
    context.output.print(`${text}: there is nothing to try again\n`, { images: 0 });
    return 0;
  }
  const isRunning = await wakeDaemon(directory);
  const when = isRunning ? 'now' : 'when the daemon runs again';
  context.output.print(`${counted(count, 'image')} will be tried ${when}\n`, { images: count, isRunning });
  return 0;
}
