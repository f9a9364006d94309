import { DirectoryBackend } from '../../../publisher/repository/directory/backend.ts';
import type { Publication } from '../../../publisher/publication/backend.ts';
import { chainsOutput, layersOutput } from '../../../publisher/outputs/layers.ts';
import { MARKS_PATH } from '../../../publisher/published/marks.ts';
import type { State } from '../../../daemon/state/state.ts';
import type { Faults } from './machine.ts';

const DAY_MS = 86_400_000;

/** A mistake in unpackd, made on purpose. */
export interface Fault extends Faults {
  readonly what: string;
  /** What the model says of it. */
  readonly seen: RegExp;
  /** @returns undoes it */
  readonly install?: () => () => void;
}

export const FAULTS: readonly Fault[] = [
  {
    what: 'chains that nothing refers to',
    seen: /^chains\/\w+ is gone, and referred to$/,
    install: () => replaced(chainsOutput, 'references', () => []),
  },
  {
    what: 'layers that nothing refers to, but a podman store',
    seen: /^layers\/\w+ is gone, and referred to$/,
    install: () => replaced(layersOutput, 'references', () => []),
  },
  {
    what: 'marks that stay when a tree is referred to again',
    seen: /^flat\/\w+ is gone, though unreferenced only since [\d.]+ days$/,
    install: () =>
      publishing((publication) => (isCollection(publication) ? publication : withoutMarks(publication))),
  },
  {
    what: 'names that go before their time',
    seen: /: nobody asks for it only since [\d.]+ days$/,
    state: (state) => withPublished(state, (sinceMs) => sinceMs - 2 * DAY_MS),
  },
  {
    what: 'tags that are gone once they are not found',
    seen: /: its tag is gone only since [\d.]+ days$/,
    state: (state) => withAbsences(state),
  },
  {
    what: 'a source that asks for nothing while it cannot be read',
    seen: /: (?:one|other) asked for it, and cannot be read$/,
    wishlists: ({ sources, recipes }) => {
      const failing = new Set(sources.filter(({ failure }) => failure !== undefined).map(({ name }) => name));
      return {
        sources: sources.map((source) => ({ ...source, failure: undefined })),
        recipes: recipes.map((recipe) => (failing.has(recipe.file) ? { ...recipe, wishes: [] } : recipe)),
      };
    },
  },
];

/** Only collections write nothing but marks. */
function isCollection({ names }: Publication): boolean {
  return names.every(({ path }) => path.startsWith('.unpackd') || path.startsWith('podmanStore'));
}

function withoutMarks(publication: Publication): Publication {
  return { ...publication, names: publication.names.filter(({ path }) => path !== MARKS_PATH) };
}

function publishing(change: (publication: Publication) => Publication): () => void {
  const before = DirectoryBackend.prototype;
  const open = Reflect.get(before, 'open');
  return replaced(before, 'open', async function (this: DirectoryBackend, ...given) {
    const repository = await open.apply(this, given);
    const publish = repository.publish.bind(repository);
    repository.publish = async (publication, options) => await publish(change(publication), options);
    return repository;
  });
}

/** Puts another method in the place of one. @returns undoes it */
function replaced<T extends object, K extends keyof T>(target: T, key: K, value: T[K]): () => void {
  const before = target[key];
  target[key] = value;
  return () => void (target[key] = before);
}

function withPublished(state: State, change: (sinceMs: number) => number): State {
  const published: State['images']['published'] = async (repository) =>
    (await state.images.published(repository)).map((one) => ({
      ...one,
      unwantedSinceMs: one.unwantedSinceMs === undefined ? undefined : change(one.unwantedSinceMs),
    }));
  return over(state, { images: over(state.images, { published }) });
}

function withAbsences(state: State): State {
  const absences: State['removals']['absences'] = async (repository) => {
    const known = await state.removals.absences(repository);
    return new Map(
      [...known].map(([name, { firstMs, lastMs }]) => [name, { lastMs, firstMs: firstMs - 3 * DAY_MS }]),
    );
  };
  return over(state, { removals: over(state.removals, { absences }) });
}

/** `target` with some of its members replaced. */
function over<T extends object>(target: T, members: Partial<T>): T {
  return new Proxy(target, {
    get(of, key): unknown {
      const value: unknown = Reflect.get(Object.hasOwn(members, key) ? members : of, key);
      return typeof value === 'function' ? value.bind(of) : value;
    },
  });
}
