import type { ConfigurationCommand } from '../command.ts';
import { readConfiguration, type ConfigurationReading } from '../../configuration/configuration.ts';
import { overviewText, type Overview } from '../../configuration/inspection/overview.ts';
import { reportFindings } from '../../configuration/inspection/report.ts';
import {
  shownDuccRegistry,
  shownRegistry,
  shownSource,
} from '../../configuration/inspection/shown-entries.ts';
import { shownOptions } from '../../configuration/inspection/shown-options.ts';
import type { Configuration, Environment } from '../../configuration/options.ts';
import { masked } from '../../configuration/secrets.ts';
import { jsonText } from '../../output/results.ts';
import { readRegistries } from '../../configuration/registries/registries.ts';
import { resolveSources } from '../../configuration/sources/sources.ts';

export const configShowCommand: ConfigurationCommand = {
  name: 'config show',
  summary: 'Show the configuration that is in force, and where each value comes from',
  arguments: [],
  examples: [
    { line: 'unpackd config show', meaning: 'all options, registries and sources; secrets are not shown' },
    { line: 'unpackd config show --json', meaning: 'for scripts' },
  ],
  options: ['config', 'json'],
  inspect: async ({ sources, stdout, stderr }) => {
    const reading = readConfiguration(sources);
    const { configuration, problems } = reading;
    if (configuration === undefined) {
      const findings = problems.map((message) => ({ severity: 'error', message }) as const);
      return reportFindings(findings, { reading, environment: sources.environment, stdout, stderr });
    }
    const overview = await overviewOf(configuration, reading, sources.environment);
    stdout.write(configuration.json ? jsonText(overview) : overviewText(overview));
    return 0;
  },
};

async function overviewOf(
  configuration: Configuration,
  { options }: ConfigurationReading,
  environment: Environment,
): Promise<Overview> {
  const { registries, sources, loginFiles, configFile = '' } = configuration;
  // From now on no secret that is configured is printed, wherever else it stands. What is wrong, "config check" says.
  const { ducc } = await readRegistries({ configuration, environment }, []);
  await resolveSources(configuration, environment, []);
  return {
    file: configFile === '' ? null : masked(configFile),
    options: shownOptions(options),
    loginFiles: loginFiles.map(masked),
    registries: registries.map(shownRegistry),
    duccRegistries: [...ducc].map(shownDuccRegistry),
    sources: sources.map((entry) => shownSource(entry, configFile)),
  };
}
