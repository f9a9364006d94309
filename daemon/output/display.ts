import { counted, formatBytes } from '../../core/text.ts';
import type { Event } from '../../publisher/image/events.ts';
import { redactLine } from '../configuration/secrets.ts';
import { formatDuration, shortDigest } from './format.ts';

/** Standard output, standard error, or a test's buffer. */
export type OutputStream = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

/** Standard error during a run. */
export interface Display {
  readonly observe: (event: Event) => void;
  /** Shows a finished line (a warning, a failure), never torn by bars. */
  readonly line: (text: string) => void;
  /** Shows how the run ended, unless progress is off. */
  readonly summary: (text: string) => void;
  /** Removes the bars. Lines can still follow. */
  readonly stop: () => void;
}

/** A line for each event, for journals and log files. */
export function createPlainDisplay(stream: OutputStream, now: () => number = Date.now): Display {
  const texts = createTexts(now);
  const line = (text: string): void => void stream.write(`${text}\n`);
  const observe = (event: Event): void => {
    const text = handleEvent(texts, event);
    if (text !== undefined) line(redactLine(text));
  };
  return { observe, line, summary: line, stop: () => {} };
}

/** Warnings and failures are lines, nothing else is shown. */
export function createSilentDisplay(stream: OutputStream): Display {
  const line = (text: string): void => void stream.write(`${text}\n`);
  return { observe: () => {}, line, summary: () => {}, stop: () => {} };
}

/** Warnings and failures are no part of it: they are lines with every display. Images are on stdout, at the end. */
function createTexts(now: () => number): EventHandlers<string | undefined> {
  /** By repository, since several publish at once. */
  const startsMs = new Map<string, number>();
  return {
    note: ({ message }) => message,
    waiting: ({ message }) => message,
    'image-removed': ({ image, reason }) => `removed ${image}: ${reason}`,
    'layer-finished': ({ image, layer, sizeBytes, error }) =>
      error === undefined
        ? `fetched ${shortDigest(layer)} (${formatBytes(sizeBytes)}) of ${image}`
        : undefined,
    'publication-started': ({ repository, images, contentBytes, title = counted(images, 'image') }) => {
      startsMs.set(repository, now());
      return `publishing ${title} (${formatBytes(contentBytes)}) in ${repository}`;
    },
    'publication-finished': ({ repository, layers, error }) => {
      if (error !== undefined) return `publication in ${repository} failed: ${error}`;
      const duration = formatDuration(now() - (startsMs.get(repository) ?? now()));
      return `publication done: ${counted(layers.length, 'new layer')} in ${repository} after ${duration}`;
    },
  };
}

/** A reader that goes away (`unpackd … | head`) must not end a run that publishes. */
export function surviveClosedPipe(stream: OutputStream): void {
  if (!stream.listeners('error').includes(ignoreClosedPipe)) stream.on('error', ignoreClosedPipe);
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

type EventType = Event['type'];
type EventOf<Type extends EventType> = {
  [T in Type]: Extract<Event, { readonly type: T }> & { readonly type: T };
}[Type];

/** Handlers for the kinds of event that an observer cares about. */
export type EventHandlers<Result = void> = {
  readonly [Type in EventType]?: (event: EventOf<Type>) => Result;
};

/** Calls the handler for `event`, if there is one. */
export function handleEvent<Result, Type extends EventType>(
  handlers: EventHandlers<Result>,
  event: EventOf<Type>,
): Result | undefined {
  const handler: EventHandlers<Result>[Type] = handlers[event.type];
  return handler?.(event);
}
