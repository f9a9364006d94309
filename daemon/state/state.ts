import { UNREACHABLE } from '../../publisher/image/own-failure.ts';
import type { HoldCode } from '../../wishlist/meaning/holds.ts';
import type { Plan, PublishedImage } from '../../wishlist/meaning/plan.ts';
import type { Absence, Sightings } from '../../wishlist/meaning/absence.ts';
import type { ReadSources } from '../../wishlist/meaning/read-sources.ts';
import type { Removal } from '../../wishlist/meaning/removal.ts';
import type { WishedImage } from '../../wishlist/meaning/wished-image.ts';
import type { Commit } from '../../wishlist/recipe/wish.ts';
import type { Keep } from '../../wishlist/recipe/settings.ts';
import type { SourceState } from '../../wishlist/sources/source.ts';
import type { Collections } from './collections.ts';
import type { Verifications } from './verifications.ts';

/**
 * The memory of unpackd: a cache of published images and a history of its work. It never decides what is published, so
 * it may be lost. Times are in ms since 1970 unless their names say otherwise. Methods throw Failure
 * `state-unusable` and `disk-full`.
 */
export interface State {
  readonly sources: Sources;
  readonly wishes: Wishes;
  readonly repositories: Repositories;
  readonly images: Images;
  readonly removals: Removals;
  readonly attempts: Attempts;
  readonly publications: Publications;
  readonly deaths: Deaths;
  readonly verifications: Verifications;
  readonly collections: Collections;
  /** False once the file that was opened has been deleted or replaced. */
  readonly isThere: boolean;
  /** @throws Failure `state-unusable`, `disk-full` if nothing can be written */
  assertWritable(): Promise<void>;
  /** Forgets what is too old to matter. */
  prune(nowMs: number): Promise<void>;
  close(): Promise<void>;
}

/** A failure as it is remembered, without secrets. */
export interface FailureNote {
  /** A FailureCode of the version that met it. */
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
}

/** Sources of wishlists, and the wishlist lines that give no image (patterns that match nothing, too), as the last cycle found them. */
export interface Sources {
  replace(states: readonly SourceState[]): Promise<void>;
  all(): Promise<SourceRecord[]>;
  replaceLines(lines: readonly RejectedLine[]): Promise<void>;
  lines(): Promise<RejectedLine[]>;
}

/** Times are in ISO 8601. */
export interface SourceRecord {
  readonly name: string;
  readonly commit: Commit | undefined;
  /** Since when its current content is in force; `undefined` if it was never read. */
  readonly since: string | undefined;
  readonly fetchedAt: string | undefined;
  readonly failure: FailureNote | undefined;
  readonly failingSince: string | undefined;
}

export interface RejectedLine {
  readonly text: string;
  readonly failure: FailureNote;
}

/** The lines that ask for images, as the last cycle found them. */
export interface Wishes {
  /** Stores the wishes for `repository`, keeping since when each image is wanted. */
  replace(repository: string, images: readonly WishedImage[], nowMs: number): Promise<void>;
  /** Removes names that turned out to be no images. */
  drop(repository: string, publicNames: readonly string[]): Promise<void>;
  /** By public name, the image that has it, as `formatReference` writes it. */
  holders(repository: string): Promise<ReadonlyMap<string, string>>;
  of(repository: string): Promise<WishRecord[]>;
}

/** One line that asks for an image. */
export interface WishRecord {
  readonly repository: string;
  readonly publicName: string;
  /** `<registry>/<repository>:<tag>` */
  readonly image: string;
  readonly source: string | undefined;
  readonly file: string;
  readonly line: number;
  /** Hash of the commit that it was read from. */
  readonly commit: string | undefined;
  /** Since when somebody asks for the image. */
  readonly sinceMs: number;
}

export interface Repositories {
  /** Adds those that are not known yet. */
  ensure(names: readonly string[]): Promise<void>;
  all(): Promise<RepositoryRecord[]>;
  /** Remembers why nothing can be published in a repository; `undefined`: it can. */
  setFailure(name: string, failure: FailureNote | undefined, nowMs: number): Promise<void>;
  /**
   * Clears the failures of repositories for which `isNamed` returns false: nobody asks for anything there. Those that are
   * also empty and not paused are removed.
   */
  forget(isNamed: (name: string) => boolean): Promise<void>;
  /** @param name `undefined` pauses all repositories, including those not known yet */
  pause(name: string | undefined, nowMs: number): Promise<void>;
  /** @param name `undefined` ends all pauses */
  resume(name: string | undefined): Promise<void>;
  /** Since when all repositories are paused. */
  allPausedSinceMs(): Promise<number | undefined>;
}

export interface RepositoryRecord {
  readonly name: string;
  /** When it was last scanned for images; `undefined`: never. */
  readonly scannedMs: number | undefined;
  readonly pausedSinceMs: number | undefined;
  /** Why nothing can be published in it. */
  readonly failure: FailureNote | undefined;
  readonly failingSinceMs: number | undefined;
}

/** Published images. The repository itself is authoritative; each cycle corrects what differs here. */
export interface Images {
  of(repository: string): Promise<ImageSummary[]>;
  /** The same as a plan needs them. */
  published(repository: string): Promise<PublishedImage[]>;
  /** Digests of the layers of all images. */
  layers(): Promise<ReadonlySet<string>>;
  put(repository: string, images: readonly RecordedImage[]): Promise<void>;
  /** Makes `images` all images of `repository`, keeping the records of those that stay. */
  replace(repository: string, images: readonly RecordedImage[], nowMs: number): Promise<void>;
  /**
   * Records when images stopped being wanted, why, when they go and what holds them. An image that is wanted again counts
   * anew.
   */
  setPlan(repository: string, plan: Plan, held?: ReadonlyMap<Removal, HoldCode>): Promise<void>;
  /** Forgets images whose public names are gone. */
  remove(
    repository: string,
    images: readonly Pick<RecordedImage, 'publicName' | 'platform'>[],
  ): Promise<void>;
}

/** What keeps removals from being wrong. */
export interface Removals {
  /**
   * Records who asks for images of `repository`: a source that was read for what `askers` says, any other one still for
   * what it asked for before, unless it is no longer configured and another one asks. Who was the last to ask for an image
   * stays recorded.
   *
   * @param askers by public name
   * @param mayAsk those of names that nobody asks for which somebody may mean: who asked for them stays recorded, since others may
   *   not see that doubt
   */
  noteAskers(
    repository: string,
    askers: ReadonlyMap<string, Asked>,
    sources: ReadSources,
    mayAsk: (names: readonly string[]) => ReadonlySet<string>,
  ): Promise<void>;
  /** By public name. */
  askers(repository: string): Promise<ReadonlyMap<string, Asked>>;
  noteTags(repository: string, sightings: Sightings, nowMs: number): Promise<void>;
  /** By public name. */
  absences(repository: string): Promise<ReadonlyMap<string, Absence>>;
  /** The latest time that the clock showed, as far as it could be believed; `undefined`: it was never looked at. */
  clockMs(): Promise<number | undefined>;
  setClock(nowMs: number): Promise<void>;
  /** Since when it has been looked at so often that nobody had to say that it is right. */
  clockSinceMs(): Promise<number | undefined>;
  /** Somebody says that it is right, whatever it showed before. */
  confirmClock(nowMs: number): Promise<void>;
  /** Makes `holds` all that hold removals back in `repository`, keeping since when each does. */
  replaceHolds(repository: string, holds: readonly FailureNote[], nowMs: number): Promise<void>;
  holds(repository: string): Promise<HoldRecord[]>;
  /**
   * Lets the images go that are held in `repository` now, whatever is held later. Where the clock holds them it is believed
   * from now on, and the next cycle judges anew.
   *
   * @returns what held them
   */
  confirm(repository: string, nowMs: number): Promise<HoldRecord[]>;
}

/** Who asks for an image. */
export interface Asked {
  readonly sources: readonly string[];
  /** As they say together. */
  readonly keep: Keep | undefined;
}

/** Why removals are held; its code is a HoldCode. */
export interface HoldRecord extends FailureNote {
  readonly sinceMs: number;
}

/** An image that is in the repository, for one platform. */
export interface RecordedImage {
  readonly publicName: string;
  /** `linux/amd64` */
  readonly platform: string;
  /** `<registry>/<repository>:<tag>`; `undefined` if only the public name is known. */
  readonly image: string | undefined;
  /** Digest of its config. */
  readonly config: string;
  /** Lowest first, with their sizes in the registry. */
  readonly layers: readonly { readonly digest: string; readonly bytes: number }[];
  /** `undefined` if unknown. */
  readonly publishedMs: number | undefined;
}

export interface ImageSummary extends Omit<RecordedImage, 'layers'> {
  readonly layers: number;
  /** Of its layers in the registry. */
  readonly bytes: number;
  readonly unwantedSinceMs: number | undefined;
  /** Why nobody wants it, as a RemovalReason; `undefined` while its removal is not planned. */
  readonly reason: string | undefined;
  /** When its public name goes; `undefined` for never. */
  readonly dueMs: number | undefined;
  /** What holds its removal, as a HoldCode. */
  readonly hold: string | undefined;
}

/** Tries to publish images, and the images that fail. */
export interface Attempts {
  /** @param isAskedFor whether the image counts as failing afterwards, or this was the try of one run alone */
  record(attempt: NewAttempt, isAskedFor?: boolean): Promise<void>;
  /** The images of `repository` that fail, by public name. */
  failing(repository: string): Promise<Map<string, FailingImage>>;
  /** By repository, the public names of failing images that no line asks for. */
  unwanted(): Promise<Map<string, string[]>>;
  /** Forgets failures of images that are no longer wanted, or fine after all. Attempts stay. */
  forget(repository: string, publicNames: readonly string[]): Promise<void>;
  /**
   * Makes failing images due now.
   *
   * @param image a reference or public name; `undefined` for all that fail
   * @returns how many there are
   */
  retry(image: string | undefined, nowMs: number): Promise<number>;
  /** The last attempts at one image, latest first. */
  of(repository: string, publicName: string, most: number): Promise<Attempt[]>;
}

export interface Attempt {
  readonly repository: string;
  readonly publicName: string;
  /** `undefined`: all its platforms. */
  readonly platform: string | undefined;
  readonly image: string;
  readonly startedMs: number;
  readonly finishedMs: number;
  /** Of layers that had to be fetched. */
  readonly bytes: number;
  /** `undefined`: it was published. */
  readonly failure: FailureNote | undefined;
}

export interface NewAttempt extends Attempt {
  /** No other platform of the image failed in the same cycle. */
  readonly isWhole: boolean;
}

/** An image whose last attempt failed. */
export interface FailingImage {
  readonly publicName: string;
  readonly image: string;
  /** Failures in a row. */
  readonly tries: number;
  readonly sinceMs: number;
  readonly nextTryMs: number;
  readonly failure: FailureNote;
}

export interface Publications {
  record(publication: Omit<PublicationRecord, 'id'>): Promise<void>;
  /** Latest first. */
  last(repository: string, most: number): Promise<PublicationRecord[]>;
}

export interface PublicationRecord {
  /** Counts up. */
  readonly id: number;
  readonly repository: string;
  /** The repository's own number for it; `undefined` if it has no revisions. */
  readonly revision: number | undefined;
  readonly startedMs: number;
  readonly finishedMs: number;
  readonly images: number;
  readonly layers: number;
  /** Of the files that it brought. */
  readonly bytes: number;
  /** Why it failed. */
  readonly error: string | undefined;
}

/** Work under way, and what was under way when processes died: SIGKILL, a watchdog, no memory. */
export interface Deaths {
  /** Records work that begins and work that has ended. */
  note(run: Run, begun: readonly UnderWay[], ended: readonly UnderWay[]): Promise<void>;
  /** The run ends in order: nothing that is under way is to blame for that. */
  end(run: Run): Promise<void>;
  /**
   * Counts what was under way in other runs with the same spool: they are dead.
   *
   * @returns the images concerned, with their new counts
   */
  count(run: Run, nowMs: number): Promise<Death[]>;
  /** By public name. */
  of(repository: string): Promise<Map<string, Death>>;
  /** Clears images that succeeded. */
  forget(repository: string, publicNames: readonly string[]): Promise<void>;
  /**
   * Lets images be tried again, as after the first death. One that is not counted yet will be that: the process that
   * died has not been started again.
   *
   * @param image a reference or public name; `undefined` for all
   */
  retry(image: string | undefined): Promise<void>;
}

/** Work that a process is about to do on one image. */
export interface UnderWay {
  readonly repository: string;
  readonly publicName: string;
  readonly image: string;
  /** Of the manifest; `undefined` before it is known. */
  readonly digest: string | undefined;
  readonly stage: string;
}

/** A process that works on images. */
export interface Run {
  readonly id: string;
  /** The spool that it has for itself: the next process to open it knows that this one is gone. */
  readonly spool: string;
}

/** Deaths of processes that worked on an image, since it last succeeded. */
export interface Death extends UnderWay {
  readonly count: number;
  /** Nothing else was under way the last time. */
  readonly isAlone: boolean;
  readonly lastMs: number;
}

const MINUTE_MS = 60_000;
const SHORTEST_DELAY_MS = 5 * MINUTE_MS;
const LONGEST_DELAY_MS = 24 * 60 * MINUTE_MS;

/** Asked again, a dead registry costs few connections, however many images it has (`Reachability`). */
const LONGEST_UNREACHABLE_MS = 15 * MINUTE_MS;

/**
 * Delay before an image is tried again after its `tries`-th failure in a row: 5 minutes, doubled each time, at most a day; at
 * most a quarter of an hour if its registry cannot be reached.
 */
export function delayAfterMs(tries: number, code: string): number {
  const longestMs = UNREACHABLE.has(code) ? LONGEST_UNREACHABLE_MS : LONGEST_DELAY_MS;
  return Math.min(SHORTEST_DELAY_MS * 2 ** Math.min(tries - 1, 20), longestMs);
}

/** A clock that was set back must not hold an image back for longer than a day. */
export function isDue({ nextTryMs }: Pick<FailingImage, 'nextTryMs'>, nowMs: number): boolean {
  return nextTryMs <= nowMs || nextTryMs > nowMs + LONGEST_DELAY_MS;
}
