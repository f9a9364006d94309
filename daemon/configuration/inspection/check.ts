import type { ConfigurationReading } from '../configuration.ts';
import type { Configuration, Environment, OptionKey } from '../options.ts';
import { counted } from '../../../core/text.ts';
import { byLine } from '../problems.ts';
import { placeOf } from '../settings.ts';
import { checkRegistries } from './check-registries.ts';
import { checkSources } from './check-sources.ts';
import { checkPlaces } from './check-places.ts';
import { checkServer } from './check-server.ts';
import { Findings, type Finding } from './finding.ts';
import { masked } from '../secrets.ts';

/**
 * All that is wrong with a configuration, as far as this user can tell on this machine without the network and without
 * writing anything.
 */
export async function checkConfiguration(
  { configuration, problems, options }: ConfigurationReading,
  environment: Environment,
): Promise<readonly Finding[]> {
  const findings = new Findings();
  for (const problem of problems) findings.error(problem);
  if (configuration === undefined) return findings.all;

  const context = { configuration, options, environment, findings, placeOf: placeOfOption };
  await checkRegistries(context);
  await checkSources(context);
  await checkPlaces(context);
  await checkServer(context);
  return byLine(findings.all, configuration.configFile ?? '', ({ message }) => message);

  function placeOfOption(key: OptionKey): string {
    const found = [...options.values()].find(({ option }) => option.key === key);
    const [first] = found?.given ?? [];
    const isDefault = first === undefined || found?.isRestated === true;
    return isDefault ? `${key} (by default)` : placeOf(first.origin, key);
  }
}

/** One line about what is in force. */
export function summaryOf({ configFile, backend, root, state, sources, registries }: Configuration): string {
  const parts = [
    `repositories below ${masked(root)} (${backend})`,
    `state in ${masked(state)}`,
    counted(sources.length, 'source'),
    counted(registries.length, 'registry', 'registries'),
  ];
  return `${configFile ?? 'the configuration without a file'} is valid: ${parts.join(', ')}`;
}
