import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { exposureOf, NO_EXPOSURE, type Exposure } from '../../../publisher/publication/capabilities.ts';
import { hasCode } from '../../../core/system-error.ts';
import { quoted } from '../../../core/text.ts';
import { OPTION_GROUPS, type Configuration } from '../options.ts';
import { repositoriesFolder } from '../repositories.ts';
import { withoutAddressSecrets } from '../secrets.ts';
import { originText } from '../settings.ts';
import { missingFolder, named, nearestExisting } from './check-folders.ts';
import { findProgram, ifReachable, type CheckContext } from './findings.ts';

/** Checks that the backend has what it needs of a release manager. */
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
      `${placeOf('cvmfs-server')}: the program ${quoted(withoutAddressSecrets(cvmfsServer))} does not exist; install the CernVM-FS server, or write the path of cvmfs_server`,
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
    findings.error(
      `${placeOf(key)}: ${problem}; write where the CernVM-FS server has it, or install the server`,
    );
  }
  const repositories = await repositoriesOf(configuration);
  await checkExposure(context, repositories ?? []);
  if (repositories?.length === 0) {
    findings.warn(
      `${placeOf('cvmfs-configuration')}: no repository is configured in ${quoted(cvmfsConfiguration)}; "cvmfs_server mkfs" makes one`,
    );
  }
}

/** @returns `undefined` if unknown */
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

/** Warns of a forgotten backend: this machine is a release manager. */
async function warnOfUnusedServer({ configuration, findings, placeOf }: CheckContext): Promise<void> {
  const [repository] = configuration.isBackendChosen ? [] : ((await repositoriesOf(configuration)) ?? []);
  if (repository === undefined) return;
  findings.warn(
    `${placeOf('backend')}: this machine has CernVM-FS repositories such as ${repository}, but the backend directory does not publish to them; write backend: cvmfs, or backend: directory`,
  );
}

/** Warns of a forgotten backend: options for it are set. */
function warnOfUnusedOptions({ options, findings }: CheckContext): void {
  for (const [name, { key }] of Object.entries(OPTION_GROUPS['CernVM-FS server'])) {
    const first = options.get(name)?.given[0];
    if (first === undefined) continue;
    findings.warn(
      `${originText(first.origin)}: ${key} has no effect with this backend; write backend: cvmfs, or remove it`,
    );
  }
}

/** Warns if users of this machine could use privileged files of images, or if such files are left out. */
async function checkExposure(context: CheckContext, repositories: readonly string[]): Promise<void> {
  const { configuration, findings, placeOf } = context;
  const { backend, root, cvmfsSpool, allowPrivileged } = configuration;
  if (backend === 'directory') {
    const what = shown(await exposureBelow(root));
    // Users other than root cannot publish such files.
    if (what === undefined || (!allowPrivileged && process.geteuid?.() !== 0)) return;
    findings.warn(
      allowPrivileged
        ? `${placeOf('allow-privileged')}: every user of this machine can use ${what} of images below ${named(root)}; mount it with nosuid,nodev, or close a directory above`
        : `${placeOf('root')}: ${what} of images are left out, since every user of this machine could use them below ${named(root)}; mount it with nosuid,nodev, close a directory above (chmod o-x), or write allow-privileged: true`,
    );
    return;
  }
  for (const repository of repositories) {
    const mounts = [join(root, repository), join(cvmfsSpool, repository, 'rdonly')];
    for (const mount of mounts) {
      const what = shown(await exposureBelow(mount));
      if (what === undefined) continue;
      findings.warn(
        `${placeOf('root')}: every user of this machine can use ${what} of images in ${named(mount)}, as cvmfs_server mounts it; let nobody else log in on the release manager`,
      );
    }
  }
}

/** Of a directory that may have to be created. */
async function exposureBelow(path: string): Promise<Exposure> {
  const nearest = await nearestExisting(path);
  if (typeof nearest === 'string') return NO_EXPOSURE;
  return ifReachable(() => exposureOf(nearest.path)) ?? NO_EXPOSURE;
}

function shown({ setId, devices }: Exposure): string | undefined {
  if (setId)
    return devices
      ? 'set-user-ID programs, capabilities and devices'
      : 'set-user-ID programs and capabilities';
  return devices ? 'devices' : undefined;
}
