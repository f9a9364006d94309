import { isPublishedInto } from '../../../publisher/repository/directory/journal.ts';
import type { Confinement } from '../../../wishlist/recipe/confinement.ts';
import { isLoopback } from '../../../core/oci/registry-host.ts';
import type { Configuration } from '../options.ts';
import type { SourceEntry } from '../source-entry.ts';

type Settings = Pick<Configuration, 'repositories' | 'registries' | 'backend' | 'root'>;

/**
 * What a source may ask for. A file on this machine is the operator's own; what comes from elsewhere is a stranger's,
 * who neither makes a directory tree nor has a registry asked over plain HTTP unless the operator says so.
 */
export function confinementOf(entry: SourceEntry, configuration: Settings): Confinement {
  const isOwn = entry.kind === 'file';
  const { backend, root, registries } = configuration;
  const { repositories = configuration.repositories } = entry;
  const plain = new Set(registries.flatMap(({ host, allowHttp }) => (allowHttp === true ? [host] : [])));
  return {
    allowsRepository: (name) => {
      if (repositories !== undefined) return repositories.includes(name);
      return isOwn || backend === 'cvmfs' || isPublishedInto(root, name);
    },
    registries: entry.registries,
    subdirectory: entry.subdirectory,
    allowsHttp: (registry) => (entry.allowHttp ?? isOwn) || isLoopback(registry) || plain.has(registry),
    limit: entry.limit,
  };
}
