import { join } from 'node:path';
import { exposureOf, NO_EXPOSURE, type Exposure } from '../../../publisher/publication/exposure.ts';
import { codeOf } from '../../../core/system-error.ts';
import type { CheckContext } from './context.ts';
import { named, nearestExisting } from './folders.ts';

/** Whether users of this machine could use what images give rights by, or would miss it. */
export async function checkExposure(context: CheckContext, repositories: readonly string[]): Promise<void> {
  const { configuration, findings, placeOf } = context;
  const { backend, root, cvmfsSpool, allowPrivileged } = configuration;
  if (backend === 'directory') {
    const what = shown(await exposureBelow(root));
    // Another user than root could publish hardly anything of it.
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

/** Of a directory that may have to be made. */
async function exposureBelow(path: string): Promise<Exposure> {
  const nearest = await nearestExisting(path);
  if (typeof nearest === 'string') return NO_EXPOSURE;
  try {
    return exposureOf(nearest.path);
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return NO_EXPOSURE;
  }
}

function shown({ setId, devices }: Exposure): string | undefined {
  if (setId)
    return devices
      ? 'set-user-ID programs, capabilities and devices'
      : 'set-user-ID programs and capabilities';
  return devices ? 'devices' : undefined;
}
