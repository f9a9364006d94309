import { UNMATCHED } from '../output/recipe-lines.ts';
import type { Failure } from '../../core/failure.ts';
import { diskSpace } from '../../core/system/free-space.ts';
import { quoted } from '../../core/text.ts';
import { span } from '../output/format.ts';
import type { DaemonActivity, FailureReport } from '../service/activity-schema.ts';
import { askActivity, mayAskDaemon } from '../service/control.ts';
import { databaseFiles, databasePath, ownerOf, userName } from '../state/state-files.ts';
import { displayPath } from '../../core/system/byte-path.ts';
import { hadDaemon, isDaemonRunning } from '../state/state-lock.ts';
import type { LastCollection } from '../state/collections.ts';
import type { DamagedImage } from '../state/verifications.ts';
import type {
  Death,
  FailingImage,
  FailureNote,
  HoldRecord,
  ImageSummary,
  PublicationRecord,
  RejectedLine,
  RepositoryRecord,
  SourceRecord,
  State,
  WishRecord,
} from '../state/state.ts';

/** Times are in ms since 1970. */
export interface StatusReport {
  readonly nowMs: number;
  /** `silent`: running, but not answering; `private`: it runs, and this user may not ask it. */
  readonly daemon: DaemonActivity | 'silent' | 'private' | 'not running';
  /** A daemon has used this state before. */
  readonly isDaemonExpected: boolean;
  /** Problems with the configuration or the database. */
  readonly troubles: readonly FailureNote[];
  readonly allPausedSinceMs: number | undefined;
  readonly sources: readonly SourceRecord[];
  readonly lines: readonly RejectedLine[];
  /** Patterns that match nothing, which may be meant. */
  readonly unmatched: readonly RejectedLine[];
  readonly repositories: readonly RepositoryStatus[];
  /** Disk of the state directory. */
  readonly disk:
    { readonly path: string; readonly freeBytes: number; readonly sizeBytes: number } | undefined;
}

export interface RepositoryStatus extends RepositoryRecord {
  readonly images: number;
  /** Size of the layers of all images; shared layers count once for each image. */
  readonly bytes: number;
  readonly pending: readonly Pending[];
  readonly failing: readonly FailingImageStatus[];
  /** Images that processes died of; they are worked on alone. */
  readonly suspects: readonly Death[];
  /** Published images of which something is not as it should be, as far as it was verified. */
  readonly damaged: readonly DamagedImage[];
  /** Why removals wait for an operator. */
  readonly holds: readonly HoldRecord[];
  /** Published images that nobody asks for any more. */
  readonly unwanted: readonly ImageSummary[];
  readonly lastPublication: PublicationRecord | undefined;
  /** What was taken away last of what nothing refers to. */
  readonly collection: LastCollection | undefined;
  readonly activity: DaemonActivity['repositories'][number] | undefined;
}

export interface FailingImageStatus extends FailingImage {
  /** An earlier version is still published. */
  readonly isPublished: boolean;
}

/** A wished image that is neither published nor failing. */
export type Pending = Pick<WishRecord, 'image' | 'sinceMs'>;

/** @param configurationFailure problem with the configuration file */
export async function readStatus(
  state: State,
  directory: string,
  configurationFailure?: Failure,
): Promise<StatusReport> {
  const daemon = await daemonOf(directory);
  const nowMs = Date.now();
  const activities = typeof daemon === 'string' ? [] : daemon.repositories;
  const repositories: RepositoryStatus[] = [];
  for (const row of await state.repositories.all()) {
    const activity = activities.find(({ repository }) => repository === row.name);
    repositories.push(await repositoryOf(state, row, activity));
  }
  const lines = await state.sources.lines();
  const disk = diskSpace(directory);
  return {
    nowMs,
    daemon,
    isDaemonExpected: hadDaemon(directory),
    troubles: troublesOf(directory, daemon, configurationFailure, nowMs),
    allPausedSinceMs: await state.repositories.allPausedSinceMs(),
    sources: await state.sources.all(),
    lines: lines.filter((line) => !isUnmatched(line)),
    unmatched: lines.filter(isUnmatched),
    repositories,
    disk: disk && { path: directory, ...disk },
  };
}

/** True if nothing needs attention. */
export function isWell(report: StatusReport): boolean {
  const { daemon, isDaemonExpected, troubles, sources, lines, repositories } = report;
  if (isDaemonExpected && (daemon === 'silent' || daemon === 'not running')) return false;
  return (
    troubles.length === 0 &&
    lines.length === 0 &&
    sources.every(({ failure }) => failure === undefined) &&
    repositories.every(
      ({ failure, failing, damaged, holds, collection }) =>
        failure === undefined &&
        failing.length + damaged.length + holds.length === 0 &&
        (collection === undefined || isComplete(collection)),
    )
  );
}

function isComplete({ failure, blocked }: LastCollection): boolean {
  return failure === undefined && blocked.length === 0;
}

async function daemonOf(directory: string): Promise<StatusReport['daemon']> {
  const activity = await askActivity(directory);
  if (activity !== undefined) return activity;
  if (!isDaemonRunning(directory)) return 'not running';
  return mayAskDaemon(directory) ? 'silent' : 'private';
}

async function repositoryOf(
  state: State,
  row: RepositoryRecord,
  activity: RepositoryStatus['activity'],
): Promise<RepositoryStatus> {
  const images = await state.images.of(row.name);
  const failing = await state.attempts.failing(row.name);
  const wishes = await state.wishes.of(row.name);
  const published = new Set(images.map(({ publicName }) => publicName));
  const missing = wishes.filter(({ publicName }) => !published.has(publicName) && !failing.has(publicName));
  const pending = new Map(missing.map(({ publicName, image, sinceMs }) => [publicName, { image, sinceMs }]));
  const [lastPublication] = await state.publications.last(row.name, 1);
  return {
    ...row,
    images: images.length,
    bytes: images.reduce((sum, { bytes }) => sum + bytes, 0),
    pending: [...pending.values()],
    suspects: [...(await state.deaths.of(row.name)).values()].filter(({ count }) => count > 0),
    failing: Array.from(failing.values(), (one) => ({ ...one, isPublished: published.has(one.publicName) })),
    damaged: (await state.verifications.damaged(row.name)).map(shown),
    holds: await state.removals.holds(row.name),
    unwanted: images.filter(({ unwantedSinceMs }) => unwantedSinceMs !== undefined),
    lastPublication,
    collection: await state.collections.last(row.name),
    activity,
  };
}

function isUnmatched({ failure: { code } }: RejectedLine): boolean {
  return code === UNMATCHED;
}

/** With paths as people read them. */
function shown(image: DamagedImage): DamagedImage {
  return { ...image, damages: image.damages.map((one) => ({ ...one, path: displayPath(one.path) })) };
}

/** Problems with the configuration or the database: everything else shown may be out of date. */
function troublesOf(
  directory: string,
  daemon: StatusReport['daemon'],
  configurationFailure: Failure | undefined,
  nowMs: number,
): FailureNote[] {
  const { databaseFailure = strangeDatabase(directory), refusedReload } =
    typeof daemon === 'string' ? {} : daemon;
  const sinceMs = refusedReload?.sinceMs ?? nowMs;
  const refused = `the daemon refused a new configuration ${span(nowMs - sinceMs)} ago, the old one is in force`;
  return [
    configurationFailure && saying('the configuration file is wrong', configurationFailure),
    refusedReload && saying(refused, refusedReload),
    databaseFailure && saying('nothing is recorded', databaseFailure),
  ].filter((trouble) => trouble !== undefined);
}

function saying(what: string, { code, message, hint }: FailureReport): FailureNote {
  return { code, message: `${what}: ${message}`, hint };
}

/** A database made by another user is closed to the daemon, whose user owns the directory. */
function strangeDatabase(directory: string): FailureNote | undefined {
  const owner = ownerOf(directory);
  if (owner === undefined || owner.uid === 0) return undefined;
  const database = databasePath(directory);
  const strange = databaseFiles(database).find((file) => (ownerOf(file) ?? owner).uid !== owner.uid);
  if (strange === undefined) return undefined;
  const name = userName(owner.uid) ?? String(owner.uid);
  return {
    code: 'state-unusable',
    message: `${quoted(strange)} does not belong to ${name}, who owns the state directory`,
    hint: `"chown ${name} ${database}*" gives it to ${name}`,
  };
}
