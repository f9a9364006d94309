import type { ImageReference } from '../../core/oci/reference.ts';
import { isLoopback } from '../../core/oci/registry-host.ts';
import { parsePlatformName } from '../../publisher/image/layout.ts';
import type { RepositoryView } from '../../publisher/publication/view.ts';
import { referenceIfValid } from '../../publisher/published/published-image.ts';
import { namesToVerify } from '../../publisher/verification/names.ts';
import type { Configuration } from '../configuration/options.ts';
import { assertThere } from '../cycle/backend.ts';

/**
 * The names of all images in a repository.
 *
 * @throws Failure `repository-unusable`, also where there is none, as when its file system is not mounted: nothing would
 *   be wrong with no image
 */
export async function namesIn(view: RepositoryView, repository: string): Promise<readonly string[]> {
  await assertThere(view, repository);
  return await namesToVerify(view);
}

/**
 * Where the blobs of a published image are. Public names do not say whether its registry speaks TLS: one that may be
 * asked over plain HTTP is asked so.
 */
export function referenceFinder({
  registries,
}: Pick<Configuration, 'registries'>): (name: string) => ImageReference | undefined {
  const plain = new Set(registries.flatMap(({ host, allowHttp }) => (allowHttp === true ? [host] : [])));
  return (name) => {
    const reference = referenceIfValid(parsePlatformName(name).publicName);
    if (reference === undefined) return undefined;
    const isPlain = plain.has(reference.registry) || isLoopback(reference.registry);
    return isPlain ? { ...reference, scheme: 'http' } : reference;
  };
}
