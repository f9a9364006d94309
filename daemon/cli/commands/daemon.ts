import { fileSource } from '../../../wishlist/sources/fetch-file.ts';
import { join, resolve } from 'node:path';
import { readRecipe } from '../../../wishlist/recipe/recipe.ts';
import { readSources, SourceRests } from '../../../wishlist/sources/read-sources.ts';
import { configurationInvalid } from '../../configuration/problems.ts';
import type { Configuration } from '../../configuration/options.ts';
import { readConfiguredSources } from '../../configuration/sources/sources.ts';
import type { Context } from '../../output/context.ts';
import type { ExitStatus } from '../../output/exit-status.ts';
import { runDaemon } from '../../service/run-daemon.ts';

export async function daemon(context: Context): Promise<ExitStatus> {
  const { configuration, environment } = context;
  if (configuration.sources.length === 0) {
    throw configurationInvalid(
      ['no sources of wishlists are configured'],
      'list them under the key sources of the configuration file, or run "unpackd loop RECIPE"',
    );
  }
  const rests = new SourceRests();
  let known: Configuration | undefined;
  return await runDaemon(context, async (inForce, signal) => {
    // Whoever has it read again may have mended something.
    if (known !== inForce) rests.clear();
    known = inForce;
    const sources = await readConfiguredSources({ configuration: inForce, environment, signal, rests });
    return { sources, recipes: sources.flatMap(({ content }) => content?.recipes ?? []) };
  });
}

export async function loop(context: Context): Promise<ExitStatus> {
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
}
