import { mapLimited } from '../../core/concurrency.ts';
import { asFailure, withHint } from '../../core/failure.ts';
import { formatPlatform } from '../../core/oci/platform.ts';
import { manifestPath, platformName } from '../../publisher/image/layout.ts';
import { READS_AT_A_TIME } from '../../publisher/publication/walk.ts';
import { isByHand } from '../../publisher/published/name-notes.ts';
import { removeNames, type NamesPublisher, type NameToRemove } from '../../publisher/removal/removal.ts';
import type { Presence } from '../../publisher/registry/tag-presence.ts';
import type { Clock } from '../../wishlist/meaning/clock.ts';
import { holdRemovals, type Hold, type RemovalLimits } from '../../wishlist/meaning/holds.ts';
import type { Plan, PublishedImage, Removal } from '../../wishlist/meaning/plan.ts';
import type { TagAnswers } from '../../wishlist/meaning/removal.ts';
import { reasonText } from '../../wishlist/meaning/removal-words.ts';
import type { RefusedImages } from '../../wishlist/meaning/uncertainty.ts';
import type { WishedImage } from '../../wishlist/meaning/wished-image.ts';
import { newImageOf } from './backend.ts';
import { newlyKept, withKeptFor } from './kept-digests.ts';
import type { RemovedName } from '../output/results.ts';
import type { CycleContext } from './context.ts';
import type { Remembered } from './state-store.ts';
import type { TagQuestions } from './tag-questions.ts';

/** How cycles remove. */
export interface RemovalSettings {
  readonly limits: RemovalLimits;
  /** Removes also what is held, for this run. */
  readonly takesHeld: boolean;
  readonly questions: TagQuestions;
  /** By repository and name, when it turned out that a name cannot be removed. */
  readonly refusals: Map<string, number>;
}

/** What is known of the repository in which names may be removed. */
export interface RemovalTask {
  readonly repository: string;
  readonly publisher: NamesPublisher;
  /** Nothing is removed there, but planned. */
  readonly isPaused: boolean;
  readonly wanted: readonly WishedImage[];
  readonly remembered: Remembered;
  /** Whether the source was read, and asks for no image in it. */
  readonly isEmptied: (source: string) => boolean;
  /** What the lines of sources ask for that are refused. */
  readonly refused: readonly RefusedImages[];
  /** Registries that have not answered in this cycle. */
  readonly pending: readonly string[];
  /** False once another cycle has read the wishes anew. */
  readonly isLatest: () => boolean;
  /** Whether the registry was asked for the image and did not have it. */
  readonly lacksTag: (publicName: string) => boolean;
  readonly plan: (published: readonly PublishedImage[], tags: TagAnswers, clock: Clock) => Plan;
}

type RemovalContext = Pick<CycleContext, 'store' | 'observeIn' | 'nowMs' | 'removal'>;

/** A registry that said within that time that it has no such tag is asked again only before the name goes. */
const RECENT_MS = 3_600_000;
const DAY_MS = 24 * RECENT_MS;

/** Plans what of a repository goes, records it, and removes what is due and not held. */
export class NameRemoval {
  readonly #task: RemovalTask;
  readonly #context: RemovalContext;
  readonly #answers = new Map<string, Presence>();
  #absences: Remembered['absences'];
  #published: readonly PublishedImage[];
  readonly #clock: Clock;
  /** What is known now comes to; made when it is asked for, since it takes all wishes and all images. */
  #planned: Plan | undefined;

  constructor(task: RemovalTask, context: RemovalContext) {
    const { published, absences, clock } = task.remembered;
    this.#task = task;
    this.#context = context;
    this.#absences = absences;
    this.#published = published;
    this.#clock = clock;
  }

  /**
   * Finds out what tags led to before, which comes with their publications. Call it first.
   *
   * @throws Failure
   */
  async findKept(): Promise<void> {
    const { repository, publisher, wanted } = this.#task;
    const { view } = publisher;
    const { store } = this.#context;
    const found = await newlyKept(view, wanted, this.#published);
    if (found.length > 0) {
      const images = found.flatMap((image) => newImageOf(image) ?? []);
      await store.current(repository, images, []);
      this.#published = (await store.remembered(repository))?.published ?? this.#published;
    }
    const all = await withKeptFor(view, this.#published);
    if (all.some(({ keptFor }) => keptFor !== undefined))
      this.#published = await store.adopted(repository, all);
    if (this.#context.removal.takesHeld) this.#published = this.#published.map(confirmed);
  }

  /** The plan with what registries said lately. */
  get plan(): Plan {
    this.#planned ??= this.#task.plan(this.#published, this.#tags, this.#clock);
    return this.#planned;
  }

  /** @returns what was removed. @throws Failure */
  async run(): Promise<readonly RemovedName[]> {
    await this.#leaveByHand(this.plan);
    await this.#ask(this.plan);
    const { plan } = this;
    if (!this.#task.isLatest()) return [];
    const { due, holds } = this.#hold(plan);
    await this.#record(plan, holds);
    for (const { message, hint } of holds) this.#warn(`${message}; ${hint}`);
    if (this.#task.isPaused || !this.#context.store.mayRemove || !this.#task.isLatest()) return [];
    return await this.#remove(due.filter((removal) => this.#isSettled(removal)));
  }

  /** What was published by hand is nobody's to remove, whoever asked for it. */
  async #leaveByHand({ remove }: Plan): Promise<void> {
    const { view } = this.#task.publisher;
    const names = remove.map(({ published }) => nameOf(published));
    const marked = await mapLimited(names, READS_AT_A_TIME, async (name) => await isByHand(view, name));
    const byHand = new Set(names.filter((_, index) => marked[index]));
    if (byHand.size === 0) return;
    this.#published = this.#published.map((one) => (byHand.has(nameOf(one)) ? { ...one, askedBy: [] } : one));
    this.#planned = undefined;
  }

  /** Asks registries what the plan depends on, and notes what they say. */
  async #ask(plan: Plan): Promise<void> {
    const { store, removal } = this.#context;
    const { repository, lacksTag } = this.#task;
    const due = new Set(this.#hold(plan).due.map(({ published }) => published.publicName));
    const questions = plan.questions.filter(
      ({ publicName, isUnlisted }) =>
        (isUnlisted || lacksTag(publicName)) && (due.has(publicName) || !this.#isRecent(publicName)),
    );
    const turn = { absences: this.#absences, nowMs: this.#clock.nowMs };
    for (const [name, presence] of await removal.questions.ask(questions, turn))
      this.#answers.set(name, presence);
    const named = (which: Presence): Set<string> =>
      new Set([...this.#answers].flatMap(([name, presence]) => (presence === which ? [name] : [])));
    const seen = new Set([...named('there'), ...seenNames(plan)]);
    const before = this.#absences;
    this.#absences = await store.noteTags(repository, { absent: named('gone'), seen }, this.#clock);
    if (this.#answers.size + before.size + this.#absences.size > 0) this.#planned = undefined;
  }

  get #tags(): TagAnswers {
    return {
      absent: (name) => {
        const isGone =
          this.#answers.get(name) === 'gone' || (!this.#answers.has(name) && this.#isRecent(name));
        return isGone ? this.#absences.get(name) : undefined;
      },
    };
  }

  #isRecent(name: string): boolean {
    const absence = this.#absences.get(name);
    return absence !== undefined && Math.abs(this.#clock.nowMs - absence.lastMs) < RECENT_MS;
  }

  #hold({ remove }: Plan): { due: Removal[]; holds: Hold[] } {
    const { repository, isEmptied, refused } = this.#task;
    return holdRemovals(remove, {
      repository,
      isEmptied,
      refused,
      published: this.#published.length,
      limits: this.#context.removal.limits,
      believedMs: this.#clock.believedMs,
      nowMs: this.#clock.nowMs,
    });
  }

  async #record(plan: Plan, holds: readonly Hold[]): Promise<void> {
    const { repository } = this.#task;
    const held = new Map(holds.flatMap(({ code, removals }) => removals.map((one) => [one, code] as const)));
    // A time that may be wrong is the beginning of nothing.
    const isSure = this.#clock.believedMs === undefined;
    const remove = plan.remove.filter(({ published }) => isSure || published.unwantedSinceMs !== undefined);
    await this.#context.store.plan(repository, { ...plan, remove }, { held, holds });
  }

  /** Whether all registries that could say more have said it. */
  #isSettled({ published: { publicName } }: Removal): boolean {
    return !this.#task.pending.some(
      (registry) => publicName.startsWith(`${registry}/`) || publicName.includes(`/${registry}/`),
    );
  }

  /** A failure concerns the removal alone, which is tried again in the next cycle. */
  async #remove(due: readonly Removal[]): Promise<readonly RemovedName[]> {
    const byName = new Map(due.map((removal) => [nameOf(removal.published), removal]));
    for (const name of byName.keys()) if (this.#wasRefused(name)) byName.delete(name);
    if (byName.size === 0) return [];
    try {
      const removed = await this.#takeBack(byName);
      const observe = this.#context.observeIn(this.#task.repository);
      for (const one of removed) observe({ type: 'image-removed', ...one });
      return removed;
    } catch (error) {
      const failure = asFailure(error);
      if (failure.code === 'bug') throw error;
      if (failure.code !== 'interrupted')
        this.#warn(`public names cannot be removed, which is tried again: ${withHint(failure)}`);
      return [];
    }
  }

  async #takeBack(byName: ReadonlyMap<string, Removal>): Promise<RemovedName[]> {
    const { repository, publisher } = this.#task;
    const { store, nowMs, removal } = this.#context;
    const names = Array.from(
      byName,
      ([
        name,
        {
          reason,
          published: { digest },
        },
      ]) => {
        return { name, reason: reasonText(reason), config: digest };
      },
    );
    const stillMeant = async (all: readonly NameToRemove[]): Promise<NameToRemove[]> => {
      const unwanted = await this.#unwanted();
      return all.filter(({ name }) => unwanted.has(name));
    };
    const options = { nowMs: nowMs(), takesByHand: false, stillMeant };
    const { removed, kept, warnings } = await removeNames(publisher, names, options);
    const gone = [...removed];
    for (const [name, why] of kept) {
      if ((await publisher.view.kindOf(manifestPath(name))) === undefined) gone.push(name);
      else {
        removal.refusals.set(`${repository} ${name}`, nowMs());
        this.#warn(`${name} stays: ${why}`);
      }
    }
    const rows = gone.flatMap((name) => recordOf(byName.get(name)));
    await store.removed(repository, rows);
    for (const warning of warnings) this.#warn(warning);
    return names
      .filter(({ name }) => removed.includes(name))
      .map(({ name: image, reason }) => ({ image, reason }));
  }

  /** What is unwanted as far as later cycles know. */
  async #unwanted(): Promise<ReadonlySet<string>> {
    const now = await this.#context.store.remembered(this.#task.repository);
    const unwanted = now?.published.filter(({ unwantedSinceMs }) => unwantedSinceMs !== undefined);
    return new Set(unwanted?.map(nameOf));
  }

  /** What could not be removed is left alone for a day: to try takes the repository. */
  #wasRefused(name: string): boolean {
    const atMs = this.#context.removal.refusals.get(`${this.#task.repository} ${name}`);
    return atMs !== undefined && Math.abs(this.#context.nowMs() - atMs) < DAY_MS;
  }

  #warn(message: string): void {
    this.#context.observeIn(this.#task.repository)({ type: 'warning', message });
  }
}

/** Of images that their registries have now, or list. */
function seenNames({ add, update, unchanged, unknown }: Plan): string[] {
  const listed = unknown.filter(
    ({ image }) => image?.isNamed === false || image?.wishes.some(({ wish }) => wish.selection !== undefined),
  );
  const found = [...add, ...update, ...unchanged].map(({ image }) => image);
  return [...found, ...listed].map(({ publicName }) => publicName);
}

function confirmed(image: PublishedImage): PublishedImage {
  return { ...image, isConfirmed: true };
}

function nameOf({ platform, publicName }: PublishedImage): string {
  return platformName(platform, publicName);
}

function recordOf(removal: Removal | undefined): { publicName: string; platform: string }[] {
  if (removal === undefined) return [];
  const { publicName, platform } = removal.published;
  return [{ publicName, platform: formatPlatform(platform) }];
}
