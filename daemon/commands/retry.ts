import { Failure } from '../../wishlist/failure.ts';
import type { Command } from '../command.ts';
import { counted } from '../output/format.ts';
import { wakeDaemon } from '../service/control-client.ts';
import { withState } from '../state/with-state.ts';

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
    const [image] = context.arguments;
    const { state } = context.configuration;
    const count = await withState(context, async ({ attempts }) => await attempts.retry(image, Date.now()));
    if (count === 0 && image !== undefined) {
      throw new Failure('reference-invalid', `no image that fails is called ${image}`, {
        hint: '"unpackd status" shows those that do',
      });
    }
    const isRunning = await wakeDaemon(state);
    const when = isRunning ? 'now' : 'when the daemon runs again';
    context.output.print(`${counted(count, 'image')} will be tried ${when}\n`, { images: count, isRunning });
    return 0;
  },
};
