import { isFailure, withHint } from '../../../core/failure.ts';
import { isLoopback } from '../../../core/oci/registry-host.ts';
import { counted } from '../../../core/text.ts';
import type { InspectionContext } from '../../output/context.ts';
import type { ExitStatus } from '../../output/exit-status.ts';
import { problemTextFor, type ProblemText } from '../../output/problem-text.ts';
import { jsonText } from '../../output/results.ts';
import type { ConfigurationReading } from '../configuration.ts';
import type { Configuration, Environment, OptionKey } from '../options.ts';
import { byLine } from '../problems.ts';
import { readNetwork, readRegistries } from '../registries/registries.ts';
import { masked, redact } from '../secrets.ts';
import { placeOf } from '../settings.ts';
import { checkFolders } from './check-folders.ts';
import { checkServer } from './check-server.ts';
import { checkSources } from './check-sources.ts';
import { fileOf, Findings, warnIfExposed, type CheckContext, type Finding } from './findings.ts';

/**
 * Checks a configuration as far as this user can on this machine, without using the network and without writing
 * anything.
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
  await checkFolders(context);
  await checkServer(context);
  return byLine(findings.all, configuration.configFile ?? '', ({ message }) => message);

  function placeOfOption(key: OptionKey): string {
    const found = [...options.values()].find(({ option }) => option.key === key);
    const [first] = found?.given ?? [];
    const isDefault = first === undefined || found?.isRestated === true;
    return isDefault ? `${key} (by default)` : placeOf(first.origin, key);
  }
}

async function checkRegistries(context: CheckContext): Promise<void> {
  const { configuration, environment, findings, placeOf: placeOfOption } = context;
  await findings.collect(
    async (problems) => await readRegistries({ configuration, environment }, problems, placeOfOption),
  );
  for (const { host, login, allowHttp, clientCertificate } of configuration.registries) {
    warnIfExposed(fileOf(login?.password), findings);
    warnIfExposed(clientCertificate?.key, findings);
    if (login === undefined || allowHttp !== true || isLoopback(host)) continue;
    findings.warn(
      `${login.password.origin}: may go to ${host} over plain HTTP, readable on the way; remove allow-http if ${host} has TLS`,
    );
  }
  try {
    await readNetwork(environment);
  } catch (error) {
    if (!isFailure(error)) throw error;
    findings.error(withHint(error));
  }
}

/** Summarizes a configuration in one line. */
export function summaryOf({ configFile, backend, root, state, sources, registries }: Configuration): string {
  const parts = [
    `repositories below ${masked(root)} (${backend})`,
    `state in ${masked(state)}`,
    counted(sources.length, 'source'),
    counted(registries.length, 'registry', 'registries'),
  ];
  return `${configFile ?? 'the configuration without a file'} is valid: ${parts.join(', ')}`;
}

interface Target extends Pick<InspectionContext, 'stdout' | 'stderr'> {
  readonly environment: Environment;
  readonly reading: ConfigurationReading;
  /** Printed if there are no errors. */
  readonly summary?: string | undefined;
}

/**
 * Prints findings one per line, or with `--json` as one document.
 *
 * @returns 2 if there are errors
 */
export function reportFindings(
  findings: readonly Finding[],
  { reading: { options }, environment, stdout, stderr, summary }: Target,
): ExitStatus {
  const isValid = findings.every(({ severity }) => severity === 'warning');
  const text = problemTextFor(stderr, environment);
  for (const line of findings.flatMap((finding) => linesOf(finding, text))) stderr.write(`${line}\n`);
  if (options.get('json')?.value === true) {
    const file = options.get('configFile')?.value ?? null;
    stdout.write(jsonText({ file, valid: isValid, findings }));
  } else if (isValid && summary !== undefined) stdout.write(`${redact(summary)}\n`);
  return isValid ? 0 : 2;
}

function linesOf({ severity, message }: Finding, text: ProblemText): string[] {
  return severity === 'error'
    ? text.error({ code: 'configuration-invalid', message })
    : text.warning(message);
}
