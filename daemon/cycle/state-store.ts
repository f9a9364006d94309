import { protectedNames, type Uncertainty } from '../../wishlist/meaning/uncertainty.ts';
import type { IsHolder } from '../../wishlist/meaning/confine.ts';
import type { Absence, Sightings } from '../../wishlist/meaning/absence.ts';
import { readClock, type Clock } from '../../wishlist/meaning/clock.ts';
import type { Hold, HoldCode } from '../../wishlist/meaning/holds.ts';
import { isAnswered, type ReadSources } from '../../wishlist/meaning/read-sources.ts';
import type { WishedImage } from '../../wishlist/meaning/wished-image.ts';
import { formatReference } from '../../core/oci/reference.ts';
import type { Plan, PublishedImage, Removal } from '../../wishlist/meaning/plan.ts';
import type { SourceState } from '../../wishlist/sources/source.ts';
import { asFailure, isFailure, stackOf, withHint, type Failure } from '../../core/failure.ts';
import type { RepositoryView } from '../../publisher/publication/view.ts';
import type {
  Asked,
  Death,
  FailingImage,
  FailureNote,
  NewAttempt,
  PublicationRecord,
  RecordedImage,
  RejectedLine,
  Run,
  State,
  UnderWay,
} from '../state/state.ts';
import { deathText, killedProcess } from './in-flight.ts';
import { imagesIn } from './backend.ts';
import { counted } from '../../core/text.ts';
import { isArtifactTag } from '../../wishlist/tags/tag-selection.ts';

/** What removals depend on. */
export interface Remembered {
  readonly published: readonly PublishedImage[];
  /** By public name. */
  readonly absences: ReadonlyMap<string, Absence>;
  readonly clock: Clock;
}

/** Knowledge of a repository from earlier cycles. */
export interface KnownState extends Remembered {
  /** By public name. */
  readonly failing: ReadonlyMap<string, FailingImage>;
  /** By public name, images that processes died of. */
  readonly deaths: ReadonlyMap<string, Death>;
  readonly isPaused: boolean;
}

/** Sources and wishes in force, as a cycle found them. */
export interface Snapshot {
  readonly sources: readonly SourceState[];
  readonly lines: readonly RejectedLine[];
  readonly repositories: readonly string[];
  readonly images: readonly WishedImage[];
  /** Wishes of unknown extent. */
  readonly uncertainties: readonly Uncertainty[];
  /** Wishes for whatever their registries have. */
  readonly patterns: readonly Uncertainty[];
  /** The sources that could be read, and all that there are. */
  readonly readSources: ReadSources;
  /** By public name, who asks for `images` in `repository`. */
  readonly askersIn: (repository: string, images: readonly WishedImage[]) => ReadonlyMap<string, Asked>;
}

/** Known of a repository before the state has been read, or where it cannot be. */
const NO_TIME: Clock = { nowMs: 0, latestMs: 0, believedMs: undefined };
export const NOTHING: KnownState = {
  published: [],
  absences: new Map(),
  clock: NO_TIME,
  failing: new Map(),
  deaths: new Map(),
  isPaused: false,
};
const NONE_READ: ReadSources = { read: new Set(), configured: undefined };
const DAY_MS = 86_400_000;

export interface StateStoreOptions {
  readonly open: () => Promise<State>;
  readonly warn: (message: string) => void;
  readonly note: (message: string) => void;
  readonly nowMs: () => number;
  /**
   * Leaves wishes and failures to others: to a daemon beside which a command runs, or because the command is about
   * one image only. A failure is then the result of that run and is not recorded as lasting.
   */
  readonly readOnlyWishes: boolean;
}

/** A connection and the number of its current users. */
interface Opened {
  readonly state: State;
  users: number;
  isRetired: boolean;
}

/**
 * The state, as cycles use it. It never stops work: a database that cannot be used is reported once, and until it
 * can be used again everything continues as if it were empty.
 */
export class StateStore {
  readonly #options: StateStoreOptions;
  #opened: Opened | undefined;
  /** Shared by all that ask for the database while it is being opened. */
  #opening: Promise<Opened> | undefined;
  #failure: Failure | undefined;
  #prunedMs = 0;
  #cycles = 0;
  readonly #writing = new Set<Promise<void>>();
  /** By repository, public names that patterns match and that are not images. */
  readonly #passedOver = new Map<string, Set<string>>();

  constructor(options: StateStoreOptions) {
    this.#options = options;
  }

  /** Why the database cannot be used; `undefined` if it can. */
  get failure(): Failure | undefined {
    return this.#failure;
  }

  /** Whether names may be removed: a daemon keeps its plan to itself. */
  get mayRemove(): boolean {
    return !this.#options.readOnlyWishes;
  }

  /**
   * Opens the database, again if its file has disappeared.
   *
   * @returns whether no other cycle has begun since
   */
  async begin(): Promise<() => boolean> {
    const cycle = ++this.#cycles;
    await this.#read(undefined, async (state) => {
      const nowMs = this.#options.nowMs();
      if (Math.abs(nowMs - this.#prunedMs) < DAY_MS) return;
      await state.prune(nowMs);
      this.#prunedMs = nowMs;
    });
    return () => this.#cycles === cycle;
  }

  /** Records a publication; {@link close} waits for it. */
  publication(publication: Omit<PublicationRecord, 'id'>): void {
    const writing = this.#write(async (state) => {
      await state.publications.record(publication);
    }).finally(() => this.#writing.delete(writing));
    this.#writing.add(writing);
  }

  async close(): Promise<void> {
    await Promise.all(this.#writing);
    await this.#opening?.catch(() => undefined);
    if (this.#opened !== undefined) await this.#retire(this.#opened);
  }

  /** Closes a connection once nobody uses it any more. */
  async #retire(opened: Opened): Promise<void> {
    if (this.#opened === opened) this.#opened = undefined;
    opened.isRetired = true;
    if (opened.users === 0) await opened.state.close().catch(() => undefined);
  }

  /** Stores the wishes, and forgets failures of images that nobody asks for any more; attempts stay. */
  async wishlists(found: Snapshot): Promise<void> {
    const { sources, lines, repositories, images, readSources } = found;
    // A daemon beside it reads the configured sources itself; of a recipe it knows nothing, and would remove what that asks for.
    const isBeside = this.#options.readOnlyWishes;
    if (isBeside && readSources.configured !== undefined) return;
    await this.#write(async (state) => {
      if (!isBeside) {
        const { latestMs, believedMs } = await this.#clock(state);
        if (believedMs === undefined) await state.removals.setClock(latestMs);
        await state.sources.replace(sources);
        await state.sources.replaceLines(lines);
        await state.repositories.ensure(repositories);
      }
      const known = (await state.repositories.all()).map(({ name }) => name);
      for (const name of new Set([...known, ...repositories])) {
        const passedOver = this.#passedOver.get(name);
        const wished = images.filter(({ publicName }) => passedOver?.has(publicName) !== true);
        if (!isBeside) await state.wishes.replace(name, wished, this.#options.nowMs());
        const mayAsk = (names: readonly string[]): Set<string> =>
          protectedNames(names, [...found.uncertainties, ...found.patterns], name);
        await state.removals.noteAskers(name, found.askersIn(name, wished), readSources, mayAsk);
      }
      if (!isBeside) await forgetUnwanted(state, found);
    });
  }

  /** @returns a test for images that already have their public names */
  async findHolders(images: readonly WishedImage[]): Promise<IsHolder> {
    return await this.#read<IsHolder>(
      () => false,
      async (state) => {
        const holders = new Map<string, ReadonlyMap<string, string>>();
        for (const repository of new Set(images.flatMap(({ repositories }) => repositories)))
          holders.set(repository, await state.wishes.holders(repository));
        return ({ publicName, reference }, repository) =>
          holders.get(repository)?.get(publicName) === formatReference(reference);
      },
    );
  }

  /** @param passedOver those of `looked` that are not images: nobody waits for them */
  async looked(
    repository: string,
    looked: readonly WishedImage[],
    passedOver: readonly WishedImage[],
  ): Promise<void> {
    if (this.#options.readOnlyWishes) return;
    const known = this.#passedOver.get(repository) ?? new Set<string>();
    this.#passedOver.set(repository, known);
    for (const { publicName } of looked) known.delete(publicName);
    for (const { publicName } of passedOver) known.add(publicName);
    const names = passedOver.map(({ publicName }) => publicName);
    if (names.length > 0) await this.#write(async (state) => await state.wishes.drop(repository, names));
  }

  async pauses(): Promise<(repository: string) => boolean> {
    return await this.#read<(repository: string) => boolean>(
      () => false,
      async (state) => {
        const isAll = (await state.repositories.allPausedSinceMs()) !== undefined;
        const rows = await state.repositories.all();
        const paused = new Set(rows.filter((row) => row.pausedSinceMs !== undefined).map(({ name }) => name));
        return (repository) => isAll || paused.has(repository);
      },
    );
  }

  /** Records work that begins and work that has ended. */
  async underWay(run: Run, begun: readonly UnderWay[], ended: readonly UnderWay[]): Promise<void> {
    await this.#write(async (state) => await state.deaths.note(run, begun, ended));
  }

  /** Clears the work of `run`, which ends in order. */
  async endRun(run: Run): Promise<void> {
    await this.#write(async (state) => await state.deaths.end(run));
  }

  /**
   * Reads what is known of `repository`; the first time it is scanned, and again where a process died that published there: it may
   * have been gone before it recorded that.
   *
   * @param run other ones with the same spool are dead
   */
  async before(repository: string, view: RepositoryView, run: Run): Promise<KnownState> {
    await this.#countDeaths(run);
    const isPaused = (await this.pauses())(repository);
    return await this.#read({ ...NOTHING, isPaused }, async (state) => {
      const row = (await state.repositories.all()).find(({ name }) => name === repository);
      const scannedMs = row?.scannedMs;
      const deaths = await state.deaths.of(repository);
      if (scannedMs === undefined || [...deaths.values()].some(({ lastMs }) => lastMs >= scannedMs)) {
        const images = await imagesIn(view);
        await state.images.replace(repository, images, this.#options.nowMs());
        if (images.length > 0 && scannedMs === undefined)
          this.#options.note(`found in ${repository}: ${counted(images.length, 'image')}`);
      }
      return {
        ...(await this.#remembered(state, repository)),
        failing: await state.attempts.failing(repository),
        deaths,
        isPaused,
      };
    });
  }

  /** The same as far as removals depend on it, anew; `undefined` if it cannot be read. */
  async remembered(repository: string): Promise<Remembered | undefined> {
    return await this.#read<Remembered | undefined>(
      undefined,
      async (state) => await this.#remembered(state, repository),
    );
  }

  /** Further repositories with images for which all that asked have answered: they may be wanted no longer. */
  async abandoned(named: readonly string[], sources: ReadSources): Promise<string[]> {
    if (this.#options.readOnlyWishes) return [];
    return await this.#read<string[]>([], async (state) => {
      const found: string[] = [];
      for (const { name } of await state.repositories.all()) {
        if (named.includes(name)) continue;
        const published = await state.images.published(name);
        if (published.some((one) => isAnswered(one, sources))) found.push(name);
      }
      return found;
    });
  }

  /** Records what is planned, what of it is held, and why. */
  async plan(
    repository: string,
    plan: Plan,
    { held, holds }: { readonly held: ReadonlyMap<Removal, HoldCode>; readonly holds: readonly Hold[] },
  ): Promise<void> {
    if (this.#options.readOnlyWishes) return;
    await this.#write(async (state) => {
      await state.images.setPlan(repository, plan, held);
      await state.removals.replaceHolds(repository, holds, this.#options.nowMs());
    });
  }

  /** Records what registries said of tags, unless the clock may be wrong. @returns what is known then */
  async noteTags(repository: string, sightings: Sightings, clock: Clock): Promise<Remembered['absences']> {
    if (clock.believedMs === undefined && !this.#options.readOnlyWishes)
      await this.#write(async (state) => await state.removals.noteTags(repository, sightings, clock.nowMs));
    return await this.#read(
      new Map<string, Absence>(),
      async (state) => await state.removals.absences(repository),
    );
  }

  /**
   * Lets those who asked for a tag count as asking for what it led to before, where nobody else does.
   *
   * @returns `published` with that
   */
  async adopted(repository: string, published: readonly PublishedImage[]): Promise<PublishedImage[]> {
    const orphans = published.filter(({ keptFor, askedBy }) => keptFor !== undefined && askedBy.length === 0);
    if (orphans.length === 0) return [...published];
    return await this.#read([...published], async (state) => {
      const askers = await state.removals.askers(repository);
      const adopted = new Map<PublishedImage, Asked>();
      for (const one of orphans) {
        const asked = askers.get(one.keptFor?.publicName ?? '');
        if (asked !== undefined) adopted.set(one, asked);
      }
      if (!this.#options.readOnlyWishes) {
        const byName = Array.from(adopted, ([{ publicName }, asked]) => [publicName, asked] as const);
        await state.removals.noteAskers(repository, new Map(byName), NONE_READ, () => new Set());
      }
      return published.map((one) => {
        const { sources, keep } = adopted.get(one) ?? { sources: one.askedBy, keep: one.keep };
        return { ...one, askedBy: sources, keep };
      });
    });
  }

  /** Forgets images whose public names are gone. */
  async removed(
    repository: string,
    images: readonly Pick<RecordedImage, 'publicName' | 'platform'>[],
  ): Promise<void> {
    await this.#write(async (state) => await state.images.remove(repository, images));
  }

  /** Believes the clock, whatever it showed before. */
  async believeClock(): Promise<void> {
    await this.#write(async (state) => await state.removals.confirmClock(this.#options.nowMs()));
  }

  async #remembered(state: State, repository: string): Promise<Remembered> {
    return {
      published: await state.images.published(repository),
      absences: await state.removals.absences(repository),
      clock: await this.#clock(state),
    };
  }

  async #clock({ removals }: State): Promise<Clock> {
    return readClock(this.#options.nowMs(), await removals.clockMs());
  }

  /** Corrects records that differ from the repository, and clears failures of images that are fine. */
  async current(
    repository: string,
    images: readonly RecordedImage[],
    fine: readonly string[],
  ): Promise<void> {
    if (images.length + fine.length === 0) return;
    await this.#write(async (state) => {
      if (images.length > 0) await state.images.put(repository, images);
      await state.attempts.forget(repository, fine);
      await state.deaths.forget(repository, fine);
    });
  }

  /**
   * @param image the published image, on success
   * @throws errors that concern only this attempt, not the database
   */
  async attempt(attempt: NewAttempt, image: RecordedImage | undefined): Promise<void> {
    const { repository, publicName, failure, isWhole } = attempt;
    // The caller, who knows the image, reports it.
    let own: { readonly error: unknown } | undefined;
    await this.#write(async (state) => {
      try {
        await state.attempts.record(attempt, !this.#options.readOnlyWishes);
        if (image !== undefined) await state.images.put(repository, [image]);
        if (failure === undefined && isWhole) await state.deaths.forget(repository, [publicName]);
      } catch (error) {
        if (isFailure(error)) throw error;
        own = { error };
      }
    });
    if (own !== undefined) throw own.error;
  }

  /** @param failure why nothing can be published in `repository`; `undefined` if it can */
  async repositoryFailure(repository: string, failure: FailureNote | undefined): Promise<void> {
    if (this.#options.readOnlyWishes && failure !== undefined) return;
    await this.#write(async (state) => {
      await state.repositories.ensure([repository]);
      await state.repositories.setFailure(repository, failure, this.#options.nowMs());
    });
  }

  /** A first death may be an accident: the image is tried again in this cycle, alone. */
  async #countDeaths(run: Run): Promise<void> {
    const nowMs = this.#options.nowMs();
    await this.#write(async (state) => {
      for (const death of await state.deaths.count(run, nowMs)) {
        const { repository, publicName, image, count } = death;
        const failure = killedProcess(death);
        const further = count === 1 ? 'it is tried alone, after all others' : failure.hint;
        this.#options.warn(`${image} in ${repository}: ${deathText(death)}; ${further}`);
        if (count === 1) continue;
        const tried = { startedMs: nowMs, finishedMs: nowMs, bytes: 0, platform: undefined };
        const attempt = { repository, publicName, image, ...tried, failure, isWhole: true };
        await state.attempts.record(attempt, !this.#options.readOnlyWishes);
      }
    });
  }

  /** For work beside cycles, which knows its own part of the state. */
  async use<T>(otherwise: T, work: (state: State) => Promise<T>): Promise<T> {
    let result = otherwise;
    await this.#write(async (state) => {
      result = await work(state);
    });
    return result;
  }

  /** Writes. After a failure it first checks that the database is writable: `work` may have nothing to write. */
  async #write(work: (state: State) => Promise<void>): Promise<void> {
    await this.#read(undefined, async (state) => {
      if (this.#failure !== undefined) await state.assertWritable();
      await work(state);
      if (this.#failure !== undefined) this.#options.note('the database can be used again');
      this.#failure = undefined;
    });
  }

  /** Reads, which also works while another process locks the database or the disk is full. */
  async #read<T>(otherwise: T, work: (state: State) => Promise<T>): Promise<T> {
    try {
      return await this.#use(work);
    } catch (error) {
      const failure = asFailure(error);
      if (this.#failure === undefined)
        this.#options.warn(`${withHint(failure)}; until then nothing is recorded`);
      if (failure.code === 'bug') for (const line of stackOf(failure).split('\n')) this.#options.warn(line);
      this.#failure = failure;
      return otherwise;
    }
  }

  async #use<T>(work: (state: State) => Promise<T>): Promise<T> {
    const opened = await this.#open();
    opened.users++;
    try {
      return await work(opened.state);
    } catch (error) {
      // A read-only connection stays read-only when the file becomes writable: the next one may be better.
      if (isFailure(error, 'state-unusable')) await this.#retire(opened);
      throw error;
    } finally {
      opened.users--;
      if (opened.isRetired) await this.#retire(opened);
    }
  }

  async #open(): Promise<Opened> {
    if (this.#opened !== undefined && !this.#opened.state.isThere) {
      this.#options.warn('the database has disappeared: making a new one');
      await this.#retire(this.#opened);
    }
    if (this.#opened !== undefined) return this.#opened;
    this.#opening ??= this.#options
      .open()
      .then((state) => (this.#opened = { state, users: 0, isRetired: false }))
      .finally(() => (this.#opening = undefined));
    return await this.#opening;
  }
}

async function forgetUnwanted(state: State, { repositories, uncertainties }: Snapshot): Promise<void> {
  for (const [repository, names] of await state.attempts.unwanted()) {
    const kept = protectedNames(names, uncertainties, repository);
    // Signatures of images that are no longer wanted are nobody's wish, whatever else is uncertain.
    const forgotten = names.filter(
      (name) => !kept.has(name) || isArtifactTag(name.slice(name.lastIndexOf(':') + 1)),
    );
    await state.attempts.forget(repository, forgotten);
  }
  const isUncertain = (name: string): boolean =>
    uncertainties.some((one) => one.repositories === undefined || one.repositories.includes(name));
  await state.repositories.forget((name) => repositories.includes(name) || isUncertain(name));
}
