import { join } from 'node:path';
import type { FailureText, ImageResult, Event } from '../../publisher/image/events.ts';
import type { PlatformResult } from '../../publisher/image/results.ts';
import { redact } from '../configuration/secrets.ts';
import { handleEvent, type EventHandlers } from './display.ts';
import { formatDuration } from './format.ts';
import { counted, formatBytes } from '../../core/text.ts';

/** An image, as `platformName` gives its name, and why it went. */
export interface RemovedName {
  readonly image: string;
  readonly reason: string;
}

/** The result of a run over images. */
export interface Report {
  /** Lines of the recipe that could not be understood or expanded. */
  readonly unusable: readonly PlatformResult[];
  readonly repositories: readonly {
    /** Such as `unpacked.example.org`. */
    readonly repository: string;
    /** In the order of the recipe. */
    readonly images: readonly PlatformResult[];
    /** Number of publications. */
    readonly publications: number;
    /** Images whose public names were taken back. */
    readonly removed?: readonly RemovedName[];
  }[];
}

/**
 * One line an image: its outcome, its name, and its public path, the code of its failure, or nothing where no public
 * name was asked for. What an interruption has left undone has none.
 */
export function reportText({ unusable, repositories }: Report, root: string): string {
  const lines = [
    ...unusable.map((image) => lineOf(image, root)),
    ...repositories.flatMap(({ repository, images }) =>
      images.filter(({ result }) => !isUndone(result)).map((image) => lineOf(image, join(root, repository))),
    ),
    ...repositories.flatMap(({ removed = [] }) => removed.map(({ image }) => `removed   ${redact(image)}\n`)),
  ];
  return lines.join('');
}

/** True for an image that an interruption, not a fault of its own, kept from being published. */
export function isUndone(result: ImageResult): boolean {
  return result.outcome === 'failed' && result.code === 'interrupted';
}

function lineOf({ image, platform, result }: PlatformResult, folder: string): string {
  const label = platform === undefined ? image : `${image} (${platform})`;
  return `${result.outcome.padEnd(9)} ${redact(`${label} ${whereOf(result, folder)}`)}\n`;
}

function whereOf(result: ImageResult, folder: string): string {
  if (result.outcome === 'failed') return result.code;
  return result.flatPath === undefined ? '' : join(folder, result.publicPath);
}

/**
 * The document that `--json` prints; `problems` are failures that belong to no image, `inputWaitMs` is that of all
 * publications.
 */
export function reportDocument(
  { unusable, repositories }: Report,
  problems: readonly FailureText[],
  inputWaitMs?: number,
): unknown {
  return {
    repositories: repositories.map(({ repository }) => repository),
    images: [
      ...unusable.map(({ image, result }) => ({ image, ...resultDocument(result) })),
      ...repositories.flatMap(({ repository, images }) =>
        images.map(({ image, platform, result }) => ({
          image,
          repository,
          platform,
          ...resultDocument(result),
        })),
      ),
    ],
    removed: repositories.flatMap(({ repository, removed = [] }) =>
      removed.map((one) => ({ repository, ...one })),
    ),
    publications: repositories.reduce((sum, { publications }) => sum + publications, 0),
    inputWaitMs,
    problems: problems.map(problemDocument),
  };
}

/** `withoutPodman` is older than {@link ImageResult} having any output that can leave images out. */
function resultDocument(result: ImageResult): object {
  if (result.outcome === 'failed' || result.leftOut === undefined) return result;
  const { leftOut, ...rest } = result;
  const { output, ...failure } = leftOut;
  return output === 'podman' ? { ...rest, withoutPodman: failure } : { ...rest, leftOut };
}

export function problemDocument({ code, message, hint }: FailureText): unknown {
  return { code, message, hint };
}

/** `document` as JSON text, without secrets in any of its strings. */
export function jsonText(document: unknown): string {
  const text = JSON.stringify(
    document,
    (_, value: unknown) => (typeof value === 'string' ? redact(value) : value),
    2,
  );
  return `${text}\n`;
}

/** Counts for the line at the end of a run: `2 published, 40 unchanged, 1 failed; 738.0 MB fetched in 12 s`. */
export function createSummary(now: () => number = () => performance.now()): {
  readonly observe: (event: Event) => void;
  readonly text: (report: Report) => string;
  /** Of all publications, rounded; `undefined` where no cvmfs_server took part. */
  readonly inputWaitMs: () => number | undefined;
} {
  const beganMs = now();
  let fetchedBytes = 0;
  let waitMs: number | undefined;
  const handlers: EventHandlers = {
    'layer-finished': ({ sizeBytes, error }) => {
      if (error === undefined) fetchedBytes += sizeBytes;
    },
    'publication-finished': ({ inputWaitMs }) => {
      if (inputWaitMs !== undefined) waitMs = (waitMs ?? 0) + inputWaitMs;
    },
  };
  const inputWaitMs = (): number | undefined => waitMs && Math.round(waitMs);
  return { observe: (event) => handleEvent(handlers, event), text, inputWaitMs };

  function text({ unusable, repositories }: Report): string {
    const results = [...unusable, ...repositories.flatMap(({ images }) => images)].map(
      ({ result }) => result,
    );
    const count = (outcome: string): number => results.filter((one) => one.outcome === outcome).length;
    const undone = results.filter(isUndone).length;
    const removed = repositories.reduce((sum, one) => sum + (one.removed?.length ?? 0), 0);
    const counts = [
      [count('published'), 'published'],
      [count('unchanged'), 'unchanged'],
      [count('failed') - undone, 'failed'],
      [undone, 'not done'],
      [removed, 'removed'],
    ] as const;
    const parts = counts.flatMap(([number, what]) => (number === 0 ? [] : [`${number} ${what}`]));
    const what = parts.length === 0 ? counted(0, 'image') : parts.join(', ');
    return `${what}; ${formatBytes(fetchedBytes)} fetched in ${formatDuration(now() - beganMs)}`;
  }
}
