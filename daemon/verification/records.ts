import type { RepositoryView } from '../../publisher/publication/view.ts';
import { imagesIn } from '../cycle/backend.ts';
import type { StateStore } from '../cycle/state-store.ts';
import type { DamagedImage, VerifiedImage } from '../state/verifications.ts';

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

  /**
   * Names those first that were not verified for longest; all others are forgotten.
   *
   * @param names of all published images
   */
  async inTurn(names: readonly string[], view: RepositoryView): Promise<readonly string[]> {
    const none: ReadonlyMap<string, number> = new Map();
    const times = await this.#store.use(none, async ({ repositories, images, verifications }) => {
      const known = (await repositories.all()).find(({ name }) => name === this.#repository);
      // As a cycle does with a repository that it sees for the first time: the status would show an empty one.
      if (known?.scannedMs === undefined)
        await images.replace(this.#repository, await imagesIn(view), this.#nowMs());
      await verifications.retain(this.#repository, names);
      return await verifications.times(this.#repository);
    });
    const timeOf = (name: string): number => times.get(name) ?? 0;
    return names.toSorted((one, other) => timeOf(one) - timeOf(other) || (one < other ? -1 : 1));
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
