import type { Event } from '../../publisher/image/events.ts';
import type { RepositoryPublisher } from '../../publisher/pipeline/repository-publisher.ts';
import { labelOf } from '../../publisher/image/results.ts';
import type { Candidate } from '../../publisher/pipeline/resolve.ts';
import { counted } from '../../core/text.ts';
import { handleEvent, type EventHandlers } from '../output/display.ts';
import type { DaemonActivity, LayerActivity, RepositoryActivity } from './activity-schema.ts';

/** Follows the events of repositories, for status requests. */
export class Activity {
  readonly #repositories = new Map<string, RepositoryFollower>();

  observer(repository: string): (event: Event) => void {
    const following = this.#repositories.get(repository) ?? new RepositoryFollower();
    this.#repositories.set(repository, following);
    return (event) => handleEvent(following.handlers, event);
  }

  of(publishers: ReadonlyMap<string, RepositoryPublisher>): RepositoryActivity[] {
    return [...publishers].map(([repository, { state }]) => {
      const following = this.#repositories.get(repository);
      const isBusy = state.publishing.length > 0 || state.publication !== undefined;
      return {
        repository,
        waiting: state.waiting.length,
        preparing: labels(state.preparing),
        ready: state.ready.length,
        publishing: [
          ...labels(state.publishing),
          ...(state.publication === undefined ? [] : [state.publication]),
        ],
        layers: [...(following?.layers.values() ?? [])],
        published: isBusy ? following?.published : undefined,
        waitingFor: isBusy ? following?.waitingFor : undefined,
      };
    });
  }
}

function labels(candidates: readonly Candidate[]): string[] {
  return candidates.map(({ part }) => labelOf(part));
}

class RepositoryFollower {
  readonly layers = new Map<string, LayerActivity>();
  published: RepositoryActivity['published'];
  waitingFor: string | undefined;

  readonly handlers: EventHandlers = {
    waiting: ({ message }) => {
      this.waitingFor = message;
    },
    'layer-started': ({ layer, image, sizeBytes }) =>
      void this.layers.set(layer, { layer, image, sizeBytes, bytes: 0 }),
    'layer-bytes': ({ layer, bytes }) => {
      const before = this.layers.get(layer);
      if (before !== undefined) this.layers.set(layer, { ...before, bytes: before.bytes + bytes });
    },
    'layer-finished': ({ layer }) => void this.layers.delete(layer),
    'publication-started': ({ contentBytes: ofBytes }) => {
      this.published = { bytes: 0, ofBytes };
      this.waitingFor = undefined;
    },
    'publication-bytes': ({ bytes }) => {
      if (this.published !== undefined)
        this.published = { ...this.published, bytes: this.published.bytes + bytes };
    },
    'publication-finished': () => {
      this.published = undefined;
    },
  };
}

/** A line for `systemctl status`. */
export function serviceStatusText({
  cycleSinceMs,
  repositories,
  databaseFailure,
  refusedReload,
}: Pick<DaemonActivity, 'cycleSinceMs' | 'repositories' | 'databaseFailure' | 'refusedReload'>): string {
  const sum = (count: (one: RepositoryActivity) => number): number =>
    repositories.reduce((total, one) => total + count(one), 0);
  const parts: [what: string, images: number][] = [
    ['publishing', sum((one) => one.publishing.length)],
    ['fetching', sum((one) => one.preparing.length)],
    ['waiting:', sum((one) => one.waiting + one.ready)],
  ];
  const words = parts
    .filter(([, images]) => images > 0)
    .map(([what, images]) => `${what} ${counted(images, 'image')}`);
  if (cycleSinceMs !== undefined) words.unshift('checking wishlists and registries');
  const troubles = [
    ...(databaseFailure === undefined ? [] : [`nothing is recorded: ${databaseFailure.message}`]),
    ...(refusedReload === undefined ? [] : ['a new configuration was refused']),
  ];
  return [words.join(', ') || 'nothing to do', ...troubles].join('; ');
}
