import { Failure } from '../../core/failure.ts';
import { isRepositoryName } from '../../core/oci/repository-name.ts';

/** @throws Failure `configuration-invalid` where `name`, an argument of a command, cannot be a repository's. */
export function assertRepositoryName(name: string): void {
  if (isRepositoryName(name)) return;
  throw new Failure('configuration-invalid', `${JSON.stringify(name)} is no name of a repository`, {
    hint: 'write a name such as unpacked.example.org: letters, digits, dots and dashes',
  });
}
