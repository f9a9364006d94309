import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../core/failure.ts';
import { isRepositoryName } from '../../core/oci/repository-name.ts';
import type { Configuration } from './options.ts';

/** @throws Failure `configuration-invalid` if `name`, an argument of a command, is not a valid name of a repository */
export function assertRepositoryName(name: string): void {
  if (isRepositoryName(name)) return;
  throw new Failure('configuration-invalid', `${JSON.stringify(name)} is not a valid repository name`, {
    hint: 'write a name such as unpacked.example.org: letters, digits, dots and dashes',
  });
}

type Choice = Pick<Configuration, 'backend' | 'isBackendChosen' | 'cvmfsConfiguration'>;

/** The CernVM-FS server's directory with the configuration of each repository. */
export function repositoriesFolder({ cvmfsConfiguration }: Pick<Choice, 'cvmfsConfiguration'>): string {
  return join(cvmfsConfiguration, 'repositories.d');
}

/**
 * Refuses a directory tree with the name of a CernVM-FS repository of this machine unless the backend was chosen: it is
 * hardly ever what is meant.
 *
 * @throws Failure `repository-unusable`
 */
export function assertBackendMeant(configuration: Choice, repository: string): void {
  const { backend, isBackendChosen } = configuration;
  if (backend !== 'directory' || isBackendChosen) return;
  const folder = join(repositoriesFolder(configuration), repository);
  if (!existsSync(folder)) return;
  throw new Failure(
    'repository-unusable',
    `${repository} is a CernVM-FS repository of this machine (${folder}), but no backend is chosen`,
    {
      hint: 'use --backend cvmfs or "backend: cvmfs" in the configuration to publish to it, --backend directory to make a directory tree of that name',
    },
  );
}
