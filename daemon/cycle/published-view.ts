import type { Backend } from '../../publisher/publication/backend.ts';
import type { RepositoryView } from '../../publisher/publication/view.ts';
import { isFailure } from '../../core/failure.ts';

/** What is published, for those who mostly are not on the machine that publishes: `undefined` where nothing can be seen. */
export function publishedView(backend: Backend, repository: string): RepositoryView | undefined {
  try {
    return backend.view(repository);
  } catch (error) {
    if (isFailure(error, 'repository-unusable')) return undefined;
    throw error;
  }
}
