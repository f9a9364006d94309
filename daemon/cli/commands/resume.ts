import type { Command } from '../command.ts';
import { assertKnownRepository } from '../known.ts';
import { wakeDaemon } from '../../service/control-client.ts';
import { withState } from '../../state/open-state.ts';

export const resumeCommand: Command = {
  name: 'resume',
  summary: 'Let the daemon publish again what "pause" keeps back',
  arguments: [
    { name: 'REPOSITORY', description: 'such as unpacked.example.org; without it, all', optional: true },
  ],
  examples: [
    { line: 'unpackd resume unpacked.example.org', meaning: 'one repository' },
    { line: 'unpackd resume', meaning: 'all that are paused' },
  ],
  options: ['state', 'json'],
  run: async (context) => {
    const [repository] = context.arguments;
    if (repository !== undefined) await assertKnownRepository(context, repository);
    const isHeld = await withState(context, async ({ repositories }) => {
      await repositories.resume(repository);
      return (await repositories.allPausedSinceMs()) !== undefined;
    });
    await wakeDaemon(context.configuration.state);
    const what = repository ?? 'all repositories';
    const rest = isHeld ? '; all repositories are still paused: "unpackd resume" ends that' : '';
    context.output.print(`resumed: ${what}${rest}\n`, { resumed: repository ?? null, isAllPaused: isHeld });
    return 0;
  },
};
