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
    // After a reload, what failed may be mended.
    if (known !== inForce) rests.clear();
    known = inForce;
    const sources = await readConfiguredSources({ configuration: inForce, environment, signal, rests });
    return { sources, recipes: sources.flatMap(({ content }) => content?.recipes ?? []) };
  });
}

export async function loop(context: Context): Promise<ExitStatus> {
  const path = resolve(context.arguments[0] ?? '');
  // An unreadable recipe is an error at the start; later the last good one stays in force.
  const { environment, configuration } = context;
  await readRecipe(path, configuration);
  return await runDaemon(context, async ({ state, wishLimit }, signal) => {
    const sources = await readSources([fileSource({ name: path, path })], {
      directory: join(state, 'sources'),
      environment,
      wishLimit,
      signal,
    });
    return { sources, recipePath: path, recipes: sources.flatMap(({ content }) => content?.recipes ?? []) };
  });
}
