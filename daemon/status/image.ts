import { localTime, counted, formatBytes } from '../../core/text.ts';
import { indentedText, upcoming } from '../output/format.ts';
import type { Attempt, FailingImage, ImageSummary, State, WishRecord } from '../state/state.ts';
import { goingText } from './removal-text.ts';
import { failureText } from './text.ts';

/** Status of one image in one repository. Times are in ms since 1970. */
export interface ImageStatus {
  readonly repository: string;
  readonly publicName: string;
  readonly wishes: readonly WishRecord[];
  /** The sources that asked for it last. */
  readonly askedBy: readonly string[];
  /** By platform. */
  readonly published: readonly ImageSummary[];
  readonly failing: FailingImage | undefined;
  /** Latest first. */
  readonly attempts: readonly Attempt[];
}

const ATTEMPTS = 10;

/** @param image `<registry>/<repository>:<tag>` or a public name */
export async function readImageStatus(state: State, image: string): Promise<ImageStatus[]> {
  const found: ImageStatus[] = [];
  for (const { name: repository } of await state.repositories.all()) {
    const wishes = (await state.wishes.of(repository)).filter(isMeant(image));
    const published = (await state.images.of(repository)).filter(isMeant(image));
    const failures = await state.attempts.failing(repository);
    const askers = await state.removals.askers(repository);
    // What convert was asked for has no wish.
    const failing = [...failures.values()].filter(isMeant(image));
    for (const publicName of new Set([...wishes, ...published, ...failing].map((one) => one.publicName)))
      found.push({
        repository,
        publicName,
        wishes: wishes.filter((wish) => wish.publicName === publicName),
        askedBy: askers.get(publicName)?.sources ?? [],
        published: published.filter((one) => one.publicName === publicName),
        failing: failures.get(publicName),
        attempts: await state.attempts.of(repository, publicName, ATTEMPTS),
      });
  }
  return found;
}

function isMeant(image: string): (one: { image: string | undefined; publicName: string }) => boolean {
  return (one) => one.image === image || one.publicName === image;
}

export function imageStatusText(images: readonly ImageStatus[], nowMs: number): string {
  return images.map((image) => indentedText(imageLines(image, nowMs))).join('\n');
}

function imageLines(
  { repository, publicName, wishes, askedBy, published, failing, attempts }: ImageStatus,
  nowMs: number,
): string[] {
  return [
    `${publicName} in ${repository}`,
    ...wishes.map((wish) => `  asked for by ${wishText(wish)}, since ${localTime(wish.sinceMs)}`),
    ...(wishes.length === 0 ? [`  asked for by nobody${lastText(askedBy, published)}`] : []),
    ...published.map((one) => publishedText(one, nowMs)),
    ...(published.length === 0 ? ['  not published'] : []),
    ...(failing === undefined ? [] : [failingText(failing, nowMs)]),
    ...(attempts.length === 0 ? [] : ['  tries:']),
    ...attempts.map((attempt) => `    ${attemptText(attempt)}`),
  ];
}

function failingText({ sinceMs, nextTryMs, failure }: FailingImage, nowMs: number): string {
  return `  failing since ${localTime(sinceMs)}, next try ${upcoming(nextTryMs, nowMs)}: ${failureText(failure)}`;
}

function wishText({ source, file, line, commit }: WishRecord): string {
  const place = `${file}:${line}`;
  const at = commit === undefined ? '' : ` at ${commit.slice(0, 12)}`;
  return source === undefined || source === file ? `${place}${at}` : `${source} ${place}${at}`;
}

/** What nobody is known to have asked for goes only by hand. */
function lastText(askedBy: readonly string[], published: readonly ImageSummary[]): string {
  if (askedBy.length > 0) return `; last by ${askedBy.join(', ')}`;
  return published.length === 0 ? '' : ', so that only "unpackd remove" removes it';
}

function publishedText(image: ImageSummary, nowMs: number): string {
  const { platform, config, layers, bytes, publishedMs, unwantedSinceMs } = image;
  const when = publishedMs === undefined ? '' : ` ${localTime(publishedMs)}`;
  const unwanted = unwantedSinceMs === undefined ? '' : `; ${goingText(image, nowMs)}`;
  return `  published for ${platform}${when}: ${counted(layers, 'layer')} (${formatBytes(bytes)}), config ${config}${unwanted}`;
}

function attemptText({ startedMs, finishedMs, platform, bytes, failure }: Attempt): string {
  const which = platform === undefined ? '' : ` ${platform}`;
  const how =
    failure === undefined ? `published, ${formatBytes(bytes)} new` : `failed: ${failureText(failure)}`;
  return `${localTime(startedMs)}${which}, ${Math.round((finishedMs - startedMs) / 1000)} s: ${how}`;
}
