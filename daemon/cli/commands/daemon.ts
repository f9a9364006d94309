import type { Command } from '../command.ts';
import { SourceRests } from '../../../wishlist/sources/rests.ts';
import { configurationInvalid } from '../../configuration/invalid.ts';
import type { Configuration } from '../../configuration/options.ts';
import { runDaemon } from '../../service/run-daemon.ts';
import { readConfiguredSources } from '../../configuration/sources/sources.ts';

export const daemonCommand: Command = {
  name: 'daemon',
  summary: 'Keep publishing what the configured sources ask for, on a schedule, until it is stopped',
  arguments: [],
  examples: [
    { line: 'unpackd daemon --config /etc/unpackd/unpackd.yaml', meaning: 'as the service does' },
    { line: "unpackd daemon --schedule '*/30 * * * * *'", meaning: 'every 30 seconds, to try it' },
  ],
  options: ['schedule', 'time-zone', 'jitter', 'stop-timeout', 'config'],
  run: async (context) => {
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
  },
};
