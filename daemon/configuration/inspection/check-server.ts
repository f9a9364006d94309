import { readdir } from 'node:fs/promises';
import { hasCode } from '../../../core/system-error.ts';
import { quoted } from '../../../core/text.ts';
import { withoutAddressSecrets } from '../secrets.ts';
import { repositoriesFolder } from '../repositories.ts';
import { OPTIONS, type Configuration, type Option } from '../options.ts';
import { originText } from '../settings.ts';
import type { CheckContext } from './context.ts';
import { checkExposure } from './check-exposure.ts';
import { findProgram } from './find-program.ts';
import { missingFolder } from './folders.ts';

const SERVER_GROUP: Option['group'] = OPTIONS.cvmfsServer.group;

/** Whether the parts of a release manager are there that the backend needs. */
export async function checkServer(context: CheckContext): Promise<void> {
  const { configuration, environment, findings, placeOf } = context;
  if (configuration.backend !== 'cvmfs') {
    await checkExposure(context, []);
    warnOfUnusedOptions(context);
    await warnOfUnusedServer(context);
    return;
  }
  const { cvmfsServer, root, cvmfsSpool, cvmfsConfiguration } = configuration;
  if (findProgram(cvmfsServer, environment) === undefined) {
    findings.error(
      `${placeOf('cvmfs-server')}: there is no program ${quoted(withoutAddressSecrets(cvmfsServer))} to start; install the CernVM-FS server, or write the path of cvmfs_server`,
    );
  }
  const folders = [
    ['root', root],
    ['cvmfs-spool', cvmfsSpool],
    ['cvmfs-configuration', cvmfsConfiguration],
  ] as const;
  for (const [key, folder] of folders) {
    const problem = await missingFolder(folder);
    if (problem === undefined) continue;
    findings.error(`${placeOf(key)}: ${problem}; write where the CernVM-FS server has it, or install that`);
  }
  const repositories = await repositoriesOf(configuration);
  await checkExposure(context, repositories ?? []);
  if (repositories?.length === 0) {
    findings.warn(
      `${placeOf('cvmfs-configuration')}: no repository is configured in ${quoted(cvmfsConfiguration)}; "cvmfs_server mkfs" makes one`,
    );
  }
}

/** `undefined` where that cannot be told. */
async function repositoriesOf(configuration: Configuration): Promise<readonly string[] | undefined> {
  if ((await missingFolder(configuration.cvmfsConfiguration)) !== undefined) return undefined;
  try {
    return await readdir(repositoriesFolder(configuration));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    if (hasCode(error, 'EACCES', 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** Whoever has a release manager has probably forgotten the backend. */
async function warnOfUnusedServer({ configuration, findings, placeOf }: CheckContext): Promise<void> {
  const [repository] = configuration.isBackendChosen ? [] : ((await repositoriesOf(configuration)) ?? []);
  if (repository === undefined) return;
  findings.warn(
    `${placeOf('backend')}: this machine has CernVM-FS repositories such as ${repository}, into which the backend directory does not publish; write backend: cvmfs, or backend: directory`,
  );
}

/** Whoever sets them has probably forgotten the backend. */
function warnOfUnusedOptions({ options, findings }: CheckContext): void {
  for (const { option, given } of options.values()) {
    const [first] = given;
    if (option.group !== SERVER_GROUP || first === undefined) continue;
    findings.warn(
      `${originText(first.origin)}: ${option.key} counts for the backend cvmfs alone; write backend: cvmfs, or remove it`,
    );
  }
}
