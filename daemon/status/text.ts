import { exactSize, formatBytes, localTime, counted } from '../../core/text.ts';
import { UNREACHABLE } from '../../publisher/image/own-failure.ts';
import { withHint } from '../../core/failure.ts';
import { groupBy } from '../../core/group-by.ts';
import { commitText, indentedText, registryOf, relative, span, upcoming } from '../output/format.ts';
import { byDue, goingText } from './removal-text.ts';
import { deathText } from '../cycle/in-flight.ts';
import type { FailureNote, PublicationRecord, SourceRecord } from '../state/state.ts';
import type { FailingImageStatus, RepositoryStatus, StatusReport } from './report.ts';

/** Entries shown of each kind; the rest is counted. */
const SHOWN = 20;

/** Status for people: what needs attention ends with its code in brackets. */
export function statusText(report: StatusReport): string {
  const { troubles, repositories, nowMs } = report;
  const sources = report.sources.map((source) => sourceLine(source, nowMs));
  const lines = report.lines.map(({ failure }) => failureText(failure));
  const unmatched = report.unmatched.map(({ failure }) => failureText(failure));
  return indentedText([
    ...daemonLines(report),
    ...section('problems with unpackd itself', troubles.map(failureText)),
    ...section('sources', sources),
    ...section('wishlist lines that give no image', lines),
    ...section('patterns that match nothing', unmatched),
    ...repositories.flatMap((repository) => [''].concat(repositoryLines(repository, nowMs))),
  ]);
}

const STATES = {
  'not running': 'not running',
  silent: 'running, but not answering',
  private: 'running; only its user may query it',
};

function daemonLines({ daemon, nowMs, disk, allPausedSinceMs }: StatusReport): string[] {
  const free = disk === undefined ? '' : `; ${formatBytes(disk.freeBytes)} free in ${disk.path}`;
  const lines: string[] = [];
  if (typeof daemon === 'string') lines.push(`daemon: ${STATES[daemon]}${free}`);
  else {
    const { startedMs, pid, version, spool, isStopping } = daemon;
    const state = isStopping ? 'stopping' : `running since ${localTime(startedMs)}`;
    lines.push(`daemon: ${state} (unpackd ${version}, process ${pid})${lookText(daemon, nowMs)}`);
    lines.push(`spool: ${formatBytes(spool.bytes)} of ${exactSize(spool.limitBytes)}${free}`);
  }
  if (allPausedSinceMs !== undefined)
    lines.push(
      `all repositories are paused since ${localTime(allPausedSinceMs)}: "unpackd resume" ends that`,
    );
  return lines;
}

type RunningDaemon = Exclude<StatusReport['daemon'], string>;

/** Start of the current cycle or time of the next one; none while the daemon stops. */
function lookText({ cycleSinceMs, nextCycleMs, isStopping }: RunningDaemon, nowMs: number): string {
  if (cycleSinceMs !== undefined)
    return `; checking wishlists and registries for ${span(nowMs - cycleSinceMs)}`;
  return nextCycleMs === undefined || isStopping ? '' : `; next check ${upcoming(nextCycleMs, nowMs)}`;
}

function sourceLine(source: SourceRecord, nowMs: number): string {
  const { name, commit, since, fetchedAt, failure, failingSince } = source;
  const content =
    since === undefined
      ? 'never read'
      : commit === undefined
        ? `in force since ${localTime(since)}`
        : commitText(commit);
  const read = fetchedAt === undefined ? '' : `, read ${relative(Date.parse(fetchedAt), nowMs)}`;
  if (failure === undefined) return `${name}: ${content}${read}`;
  const failing = failingSince === undefined ? '' : ` for ${span(nowMs - Date.parse(failingSince))}`;
  return `${name}: ${content}${read}; failing${failing}: ${failureText(failure)}`;
}

function repositoryLines(repository: RepositoryStatus, nowMs: number): string[] {
  const { name, images, bytes, pausedSinceMs, failure, failingSinceMs } = repository;
  const pending = repository.pending.map((one) => `${one.image}, asked for ${relative(one.sinceMs, nowMs)}`);
  const suspects = repository.suspects.map(
    (death) => `${death.image}, ${relative(death.lastMs, nowMs)}: ${deathText(death)}`,
  );
  const unwanted = repository.unwanted
    .toSorted(byDue)
    .map((image) => `${image.publicName} (${image.platform}), ${goingText(image, nowMs)}`);
  const holds = repository.holds.map(
    (hold) => `  removals are held since ${localTime(hold.sinceMs)}: ${failureText(hold)}`,
  );
  const since = failingSinceMs === undefined ? '' : ` since ${localTime(failingSinceMs)}`;
  return [
    name,
    `  published: ${counted(images, 'image')} (${formatBytes(bytes)} of layers)${lastText(repository.lastPublication, nowMs)}`,
    ...(pausedSinceMs === undefined ? [] : [`  paused since ${localTime(pausedSinceMs)}`]),
    ...(failure === undefined ? [] : [`  nothing can be published${since}: ${failureText(failure)}`]),
    ...activityLines(repository.activity),
    ...listed('pending', pending),
    ...failingLines(repository.failing, nowMs),
    ...listed('tried alone and last, because unpackd was killed while working on them', suspects),
    ...damagedLines(repository),
    ...holds,
    ...listed('no longer asked for, still published', unwanted),
    ...collectionLines(repository, nowMs),
  ];
}

/** Images of an unreachable registry share one line. */
function failingLines(failing: readonly FailingImageStatus[], nowMs: number): string[] {
  const groups = groupBy(failing, ({ image, failure: { code } }) =>
    UNREACHABLE.has(code) ? `${registryOf(image)} ${code}` : `image ${image}`,
  );
  const lines = [...groups.values()].map((group) => failingLine(group, nowMs));
  return listed('failing', lines, failing.length);
}

function failingLine(group: readonly FailingImageStatus[], nowMs: number): string {
  const [first] = group;
  if (first === undefined) return '';
  const sinceMs = group.reduce((least, one) => Math.min(least, one.sinceMs), first.sinceMs);
  const nextMs = group.reduce((least, one) => Math.min(least, one.nextTryMs), first.nextTryMs);
  const times = `for ${span(nowMs - sinceMs)}, ${counted(first.tries, 'try', 'tries')}, next ${upcoming(nextMs, nowMs)}`;
  const why = failureText(first.failure);
  if (group.length === 1) return `${first.image}, ${times}: ${why}`;
  const published = group.filter(({ isPublished }) => isPublished).length;
  const how = published === group.length ? 'all published' : `${published} published`;
  return `${registryOf(first.image)}: ${counted(group.length, 'image')}, ${how}, ${times}: ${why}`;
}

function collectionLines({ collection }: RepositoryStatus, nowMs: number): string[] {
  if (collection === undefined) return [];
  const { finishedMs, swept, waiting, nextDueMs, blocked, failure, failedMs } = collection;
  const first = nextDueMs === undefined ? '' : `, the first until ${localTime(nextDueMs)}`;
  const rest = waiting === 0 ? '' : `; ${waiting} more wait${first}`;
  const lines =
    finishedMs === undefined
      ? []
      : [`  collected ${relative(finishedMs, nowMs)}: ${counted(swept, 'tree')} taken away${rest}`];
  for (const reason of blocked) lines.push(`  nothing is collected that may be referred to: ${reason}`);
  if (failure !== undefined)
    lines.push(`  the collection ${relative(failedMs ?? nowMs, nowMs)} failed: ${failureText(failure)}`);
  return lines;
}

function damagedLines({ name, damaged }: RepositoryStatus): string[] {
  const lines = damaged.map((image) => {
    const first = image.damages.map(({ path, message }) => `, such as ${path} (${message})`)[0] ?? '';
    return `${image.name}, since ${localTime(image.sinceMs)}: ${counted(image.count, 'difference')}${first}`;
  });
  return listed(`damaged ("unpackd verify --repair ${name}" repairs)`, lines);
}

function lastText(last: PublicationRecord | undefined, nowMs: number): string {
  if (last === undefined) return '';
  const { finishedMs, images, revision, error } = last;
  const as = revision === undefined ? '' : `, revision ${revision}`;
  const how = error === undefined ? '' : ', which failed';
  return `; the last publication ${relative(finishedMs, nowMs)}: ${counted(images, 'image')}${as}${how}`;
}

function activityLines(activity: RepositoryStatus['activity']): string[] {
  if (activity === undefined) return [];
  const { publishing, published, preparing, layers, waiting, ready, waitingFor } = activity;
  const lines: string[] = [];
  if (publishing.length > 0) {
    const far =
      published === undefined ? '' : `, ${formatBytes(published.bytes)} of ${formatBytes(published.ofBytes)}`;
    lines.push(`  publishing ${counted(publishing.length, 'image')}${far}`);
  }
  if (waitingFor !== undefined) lines.push(`  ${waitingFor}`);
  if (preparing.length > 0)
    lines.push(`  fetching ${counted(preparing.length, 'image')}: ${preparing.slice(0, SHOWN).join(', ')}`);
  for (const { layer, image, bytes, sizeBytes } of layers.slice(0, SHOWN))
    lines.push(`    ${layer.slice(0, 19)} of ${image}: ${formatBytes(bytes)} of ${formatBytes(sizeBytes)}`);
  if (waiting + ready > 0)
    lines.push(
      `  ${counted(waiting, 'image')} to be fetched, ${counted(ready, 'image')} to be published next`,
    );
  return lines;
}

function listed(title: string, items: readonly string[], images = items.length): string[] {
  if (items.length === 0) return [];
  const shown = items.slice(0, SHOWN).map((item) => `    ${item}`);
  const rest = items.length > SHOWN ? [`    and ${items.length - SHOWN} more: see --json`] : [];
  return [`  ${title}: ${counted(images, 'image')}`, ...shown, ...rest];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)];
}

export function failureText(failure: FailureNote): string {
  return `${withHint(failure)} [${failure.code}]`;
}
