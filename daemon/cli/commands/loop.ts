import { join, resolve } from 'node:path';
import { readRecipe } from '../../../wishlist/recipe/recipe.ts';
import { fileSource } from '../../../wishlist/sources/fetch-file.ts';
import { readSources } from '../../../wishlist/sources/read-sources.ts';
import type { Command } from '../command.ts';
import { runDaemon } from '../../service/run-daemon.ts';

export const loopCommand: Command = {
  name: 'loop',
  summary: 'Keep publishing what a recipe asks for, on a schedule, until it is stopped',
  arguments: [{ name: 'RECIPE', description: 'the wishlist, a YAML file: it is read again each time' }],
  examples: [{ line: 'unpackd loop recipe.yaml', meaning: 'every five minutes, the default' }],
  options: ['schedule', 'time-zone', 'jitter', 'stop-timeout'],
  run: async (context) => {
    const path = resolve(context.arguments[0] ?? '');
    // What cannot be read from the start is a mistake of whoever starts it; later the last good one counts.
    const { environment, configuration } = context;
    await readRecipe(path, configuration);
    return await runDaemon(context, async ({ state, wishLimit }, signal) => {
      const sources = await readSources([fileSource({ name: path, path })], {
        directory: join(state, 'sources'),
        environment,
        wishLimit,
        signal,
      });
      return { sources, recipes: sources.flatMap(({ content }) => content?.recipes ?? []) };
    });
  },
};
