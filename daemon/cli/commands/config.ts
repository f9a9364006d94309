import { readConfiguration, type ConfigurationReading } from '../../configuration/configuration.ts';
import { checkConfiguration, summaryOf, reportFindings } from '../../configuration/inspection/check.ts';
import { masked } from '../../configuration/secrets.ts';
import {
  overviewText,
  type Overview,
  shownDuccRegistry,
  shownRegistry,
  shownSource,
  shownOptions,
} from '../../configuration/inspection/overview.ts';
import { OPTIONS, type Configuration, type Environment } from '../../configuration/options.ts';
import { readRegistries } from '../../configuration/registries/registries.ts';
import { resolveSources } from '../../configuration/sources/sources.ts';
import type { InspectionContext } from '../../output/context.ts';
import type { ExitStatus } from '../../output/exit-status.ts';
import { jsonText } from '../../output/results.ts';

export async function checkConfig({
  arguments: [file],
  sources,
  stdout,
  stderr,
}: InspectionContext): Promise<ExitStatus> {
  const flags = file === undefined ? sources.flags : { ...sources.flags, [OPTIONS.configFile.key]: file };
  const reading = readConfiguration({ ...sources, flags });
  const { configuration } = reading;
  const findings = await checkConfiguration(reading, sources.environment);
  const summary = configuration && summaryOf(configuration);
  return reportFindings(findings, { reading, environment: sources.environment, stdout, stderr, summary });
}

export async function showConfig({ sources, stdout, stderr }: InspectionContext): Promise<ExitStatus> {
  const reading = readConfiguration(sources);
  const { configuration, problems } = reading;
  if (configuration === undefined) {
    const findings = problems.map((message) => ({ severity: 'error', message }) as const);
    return reportFindings(findings, { reading, environment: sources.environment, stdout, stderr });
  }
  const overview = await overviewOf(configuration, reading, sources.environment);
  stdout.write(configuration.json ? jsonText(overview) : overviewText(overview));
  return 0;
}

async function overviewOf(
  configuration: Configuration,
  { options }: ConfigurationReading,
  environment: Environment,
): Promise<Overview> {
  const { registries, sources, loginFiles, configFile = '' } = configuration;
  // Registers the configured secrets, so that none is printed. Problems are for "config check".
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
