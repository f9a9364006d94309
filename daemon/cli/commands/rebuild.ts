import type { ExitStatus } from '../../output/exit-status.ts';
import type { Context } from '../../output/context.ts';
import { isFailure } from '../../../core/failure.ts';
import { imagesIn, createBackend } from '../../cycle/backend.ts';
import { configurationInvalid } from '../../configuration/problems.ts';
import { counted } from '../../../core/text.ts';
import { assertKnownRepository } from '../known.ts';
import { withState } from '../../state/open-state.ts';

export async function rebuild(context: Context): Promise<ExitStatus> {
  for (const name of context.arguments) await assertKnownRepository(context, name);
  const backend = createBackend(context.configuration);
  return await withState(context, async ({ repositories, images }) => {
    const known = (await repositories.all()).map(({ name }) => name);
    const names = context.arguments.length > 0 ? context.arguments : known;
    if (names.length === 0)
      throw configurationInvalid(['no repository is known'], 'name one: "unpackd rebuild REPOSITORY"');
    const counts: { repository: string; images: number }[] = [];
    let isComplete = true;
    for (const repository of names) {
      try {
        const rows = await imagesIn(backend.view(repository));
        await images.replace(repository, rows, Date.now());
        counts.push({ repository, images: rows.length });
      } catch (error) {
        if (!isFailure(error, 'repository-unusable')) throw error;
        context.output.failure(error, repository);
        isComplete = false;
      }
    }
    const lines = counts.map((one) => `${one.repository}: ${counted(one.images, 'image')}\n`);
    context.output.print(lines.join(''), { repositories: counts });
    return isComplete ? 0 : 3;
  });
}
