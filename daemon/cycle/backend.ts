import { isFailure } from '../../core/failure.ts';
import type { Backend } from '../../publisher/publication/backend.ts';
import type { RepositoryView } from '../../publisher/publication/view.ts';
import { CvmfsBackend } from '../../publisher/repository/cvmfs/backend.ts';
import { DirectoryBackend } from '../../publisher/repository/directory/backend.ts';
import type { Configuration } from '../configuration/options.ts';

/** The kind of repositories that the configuration names. */
export function createBackend(configuration: Configuration): Backend {
  const { root, waitMs, allowPrivileged, publishTimeoutMs: idleLimitMs } = configuration;
  switch (configuration.backend) {
    case 'directory':
      return new DirectoryBackend({ root, waitMs, allowPrivileged });
    case 'cvmfs': {
      const { cvmfsServer: command, cvmfsSpool: spool, cvmfsConfiguration } = configuration;
      const installation = { command, root, spool, configuration: cvmfsConfiguration };
      return new CvmfsBackend({ installation, waitMs, idleLimitMs });
    }
  }
}

/** The published content, for commands that often run on other machines: `undefined` if it cannot be seen from here. */
export function publishedView(backend: Backend, repository: string): RepositoryView | undefined {
  try {
    return backend.view(repository);
  } catch (error) {
    if (isFailure(error, 'repository-unusable')) return undefined;
    throw error;
  }
}
