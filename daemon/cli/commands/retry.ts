import type { Command } from '../command.ts';
import { imageArgument, unknownImage } from '../known.ts';
import { counted } from '../../../core/text.ts';
import { wakeDaemon } from '../../service/control-client.ts';
import { withState } from '../../state/open-state.ts';
import { readImageStatus } from '../../status/image.ts';

export const retryCommand: Command = {
  name: 'retry',
  summary: 'Let the daemon try failed images again at once',
  arguments: [
    {
      name: 'IMAGE',
      description: 'REGISTRY/REPOSITORY:TAG as the status shows it; without it, all that fail',
      optional: true,
    },
  ],
  examples: [
    { line: 'unpackd retry quay.io/lab/tool:1.2', meaning: 'one image' },
    { line: 'unpackd retry', meaning: 'all images that fail' },
  ],
  options: ['state', 'json'],
  run: async (context) => {
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
  },
};
