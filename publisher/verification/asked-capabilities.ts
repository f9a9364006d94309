import type { Backend, Notice } from '../publication/backend.ts';
import type { RepositoryCapabilities } from '../publication/capabilities.ts';
import type { Attributes } from '../publication/entry.ts';
import { KeptXattrs } from '../compose/xattrs.ts';

export interface Repository {
  readonly backend: Backend;
  readonly repository: string;
  readonly notice: Notice;
  readonly signal: AbortSignal;
}

/** What does not depend on the image. */
export type Given = Pick<
  RepositoryCapabilities,
  'exposes' | 'takesDevices' | 'mostLinks' | 'earliestTime' | 'latestTime' | 'changesDirectories'
>;

/** Kinds of answers that are remembered; further ones are not asked for. */
const MOST_ANSWERS = 2_000;

/**
 * What a repository can hold, for work that takes long: it is held only while it is asked, and asked each question once.
 * Without an answer nothing is known, and nothing should be called wrong.
 */
export class AskedCapabilities {
  readonly #repository: Repository;
  #given: Given | undefined;
  readonly #owners = new Map<string, boolean>();
  readonly #xattrs = new Map<string, ReadonlySet<string>>();

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  async given(): Promise<Given> {
    return (this.#given ??= await this.#ask((capabilities) => {
      const { exposes, takesDevices, mostLinks, earliestTime, latestTime, changesDirectories } = capabilities;
      return { exposes, takesDevices, mostLinks, earliestTime, latestTime, changesDirectories };
    }));
  }

  /** Whether an entry gets these owners; `undefined`: nobody knows. */
  async takesOwner(attributes: Attributes): Promise<boolean | undefined> {
    const key = `${attributes.uid}:${attributes.gid}`;
    const known = this.#owners.get(key);
    if (known !== undefined || this.#owners.size >= MOST_ANSWERS) return known;
    const takes = await this.#ask((capabilities) => capabilities.takesOwner(attributes));
    this.#owners.set(key, takes);
    return takes;
  }

  /** Those of `values` that an entry with all of them keeps; `undefined`: nobody knows. */
  async keptXattrs(values: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, string> | undefined> {
    if (values.size === 0) return values;
    const key = [...values].map(([name, value]) => `${name} ${value.length}`).join('\n');
    const known = this.#xattrs.get(key);
    if (known === undefined && this.#xattrs.size >= MOST_ANSWERS) return undefined;
    const kept =
      known ?? (await this.#ask((capabilities) => new Set(new KeptXattrs(capabilities).of(values).keys())));
    this.#xattrs.set(key, kept);
    return new Map([...values].filter(([name]) => kept.has(name)));
  }

  async #ask<T>(question: (capabilities: RepositoryCapabilities) => T): Promise<T> {
    const { backend, repository: name, notice, signal } = this.#repository;
    const open = await backend.open(name, { notice, signal });
    try {
      return question(open.capabilities);
    } finally {
      await open.release();
    }
  }
}
