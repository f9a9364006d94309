import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../core/failure.ts';
import type { Configuration } from './options.ts';

type Choice = Pick<Configuration, 'backend' | 'isBackendChosen' | 'cvmfsConfiguration'>;

/** Where the CernVM-FS server has the configuration of each repository. */
export function repositoriesFolder({ cvmfsConfiguration }: Pick<Choice, 'cvmfsConfiguration'>): string {
  return join(cvmfsConfiguration, 'repositories.d');
}

/**
 * Nobody means a directory tree with the name of a CernVM-FS repository that this machine has, unless he says so.
 *
 * @throws Failure `repository-unusable` where the backend `directory`, the default, would make one
 */
export function assertBackendMeant(configuration: Choice, repository: string): void {
  const { backend, isBackendChosen } = configuration;
  if (backend !== 'directory' || isBackendChosen) return;
  const folder = join(repositoriesFolder(configuration), repository);
  if (!existsSync(folder)) return;
  throw new Failure(
    'repository-unusable',
    `${repository} is a CernVM-FS repository of this machine (${folder}), and nobody said that the backend is cvmfs`,
    {
      hint: 'use --backend cvmfs or "backend: cvmfs" in the configuration to publish into it, --backend directory to make a directory tree of that name',
    },
  );
}
