import { Failure } from '../wishlist/failure.ts';
import { isRepositoryName } from '../wishlist/reference/repository-name.ts';

/** @throws Failure `configuration-invalid` where `name`, an argument of a command, cannot be a repository's. */
export function assertRepositoryName(name: string): void {
  if (isRepositoryName(name)) return;
  throw new Failure('configuration-invalid', `${JSON.stringify(name)} is no name of a repository`, {
    hint: 'write a name such as unpacked.example.org: letters, digits, dots and dashes',
  });
}
