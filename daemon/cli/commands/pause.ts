import type { Command } from '../command.ts';
import { assertKnownRepository } from '../known.ts';
import { wakeDaemon } from '../../service/control-client.ts';
import { withState } from '../../state/open-state.ts';

export const pauseCommand: Command = {
  name: 'pause',
  summary: 'Let the daemon publish nothing more in a repository, or in all, until "resume"',
  arguments: [
    { name: 'REPOSITORY', description: 'such as unpacked.example.org; without it, all', optional: true },
  ],
  examples: [
    { line: 'unpackd pause unpacked.example.org', meaning: 'to work on the repository by hand' },
    { line: 'unpackd pause', meaning: 'all repositories' },
  ],
  options: ['state', 'json'],
  run: async (context) => {
    const [repository] = context.arguments;
    if (repository !== undefined) await assertKnownRepository(context, repository);
    await withState(context, async ({ repositories }) => await repositories.pause(repository, Date.now()));
    await wakeDaemon(context.configuration.state);
    const what = repository ?? 'all repositories';
    const text = `paused: ${what}; a publication that runs now goes on to its end, as "unpackd status" shows\n`;
    context.output.print(text, { paused: repository ?? null });
    return 0;
  },
};
