import type { RepositoryView } from '../../publisher/publication/view.ts';
import { imagesIn } from '../cycle/backend.ts';
import type { StateStore } from '../cycle/state-store.ts';
import type { DamagedImage, VerifiedImage } from '../state/verifications.ts';

/** The images of a repository in the order in which it is their turn to be verified. */
export interface Turns {
  /** Known to be damaged: a cycle, or somebody, may have repaired them since. */
  readonly damaged: readonly string[];
  readonly others: readonly string[];
}

/** What the state remembers of verifications, where it can be used. */
export class VerificationRecords {
  readonly #store: StateStore;
  readonly #repository: string;
  readonly #nowMs: () => number;

  constructor(store: StateStore, repository: string, nowMs: () => number) {
    this.#store = store;
    this.#repository = repository;
    this.#nowMs = nowMs;
  }

  /** Forgets all images but these, which are published. */
  async begin(names: readonly string[], view: RepositoryView): Promise<void> {
    await this.#store.use(undefined, async ({ repositories, images, verifications }) => {
      const known = (await repositories.all()).find(({ name }) => name === this.#repository);
      // As a cycle does with a repository that it sees for the first time: the status would show an empty one.
      if (known?.scannedMs === undefined)
        await images.replace(this.#repository, await imagesIn(view), this.#nowMs());
      await verifications.retain(this.#repository, names);
    });
  }

  /** Puts those first that were not verified for longest. */
  async inTurn(names: readonly string[]): Promise<Turns> {
    const none = { times: new Map<string, number>(), damaged: new Set<string>() };
    const known = await this.#store.use(none, async ({ verifications }) => {
      const times = new Map(await verifications.times(this.#repository));
      const damaged = await verifications.damaged(this.#repository);
      return { times, damaged: new Set(damaged.map(({ name }) => name)) };
    });
    const timeOf = (name: string): number => known.times.get(name) ?? 0;
    const sorted = names.toSorted((one, other) => timeOf(one) - timeOf(other) || (one < other ? -1 : 1));
    return {
      damaged: sorted.filter((name) => known.damaged.has(name)),
      others: sorted.filter((name) => !known.damaged.has(name)),
    };
  }

  /** @returns all that is known to be damaged of the image, with since when; `undefined`: nothing is */
  async add(image: Omit<VerifiedImage, 'atMs'>): Promise<DamagedImage | undefined> {
    const atMs = this.#nowMs();
    return await this.#store.use(undefined, async ({ verifications }) => {
      await verifications.record(this.#repository, { ...image, atMs });
      if (image.damages.length === 0 && image.isDeep) return undefined;
      return (await verifications.damaged(this.#repository, image.name))[0];
    });
  }
}
