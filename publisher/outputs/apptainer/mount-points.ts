import { dataFile, directory } from './startup-entry.ts';
import type { StartupDirectory, StartupFile } from './startup-entry.ts';

/**
 * What apptainer mounts onto. A published root file system is read-only, so these are added wherever the image has
 * nothing at that path; anything that it has there (a symbolic link too) stays as it is. `var` and `etc` are in the
 * list as parents of others.
 */
export const mountPoints: readonly (StartupDirectory | StartupFile)[] = [
  directory('dev'),
  directory('etc'),
  dataFile('etc/hosts', ''),
  dataFile('etc/resolv.conf', ''),
  directory('home'),
  directory('proc', 0o555),
  directory('root', 0o700),
  directory('sys', 0o555),
  directory('tmp', 0o1777),
  directory('var'),
  directory('var/tmp', 0o1777),
];
