import type { Event } from '../../publisher/image/events.ts';
import { redactLine } from '../configuration/secrets.ts';
import { handleEvent, type EventHandlers } from './event-handlers.ts';
import { formatDuration, shortDigest } from './format.ts';
import { counted, formatBytes } from '../../core/text.ts';

/** Where text goes: standard output, standard error, or a test's buffer. */
export type OutputStream = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

/** What standard error shows while a run goes on. */
export interface Display {
  readonly observe: (event: Event) => void;
  /** Shows one finished line of its own (a warning, a failure): never torn by what moves. */
  readonly line: (text: string) => void;
  /** Shows how the run ended, where what happens is shown. */
  readonly summary: (text: string) => void;
  /** Takes away what moves. Lines still come out after it. */
  readonly stop: () => void;
}

/** One line for each thing that happened, for journals and log files. */
export function createPlainDisplay(stream: OutputStream, now: () => number = Date.now): Display {
  const texts = createTexts(now);
  return {
    observe: (event) => {
      const text = handleEvent(texts, event);
      if (text !== undefined) stream.write(`${redactLine(text)}\n`);
    },
    line: (text) => stream.write(`${text}\n`),
    summary: (text) => stream.write(`${text}\n`),
    stop: () => {},
  };
}

/** Warnings and failures are lines, nothing else is shown. */
export function createSilentDisplay(stream: OutputStream): Display {
  const line = (text: string): void => void stream.write(`${text}\n`);
  return { observe: () => {}, line, summary: () => {}, stop: () => {} };
}

/** Warnings and failures are no part of it: they are lines with every display. */
function createTexts(now: () => number): EventHandlers<string | undefined> {
  let publicationStart = now();
  return {
    note: ({ message }) => message,
    waiting: ({ message }) => message,
    'layer-finished': ({ image, layer, sizeBytes, error }) =>
      error === undefined
        ? `fetched ${shortDigest(layer)} (${formatBytes(sizeBytes)}) of ${image}`
        : undefined,
    'image-finished': ({ image, result }) =>
      result.outcome === 'published' ? `published ${image}` : undefined,
    'publication-started': ({ images, contentBytes, title = counted(images, 'image') }) => {
      publicationStart = now();
      return `publishing ${title} (${formatBytes(contentBytes)})`;
    },
    'publication-finished': ({ layers, error }) =>
      error === undefined
        ? `publication done: ${counted(layers.length, 'new layer')} in ${formatDuration(now() - publicationStart)}`
        : `publication failed: ${error}`,
  };
}

/** A reader that goes away (`unpackd … | head`) must not end a run that publishes. */
export function surviveClosedPipe(stream: OutputStream): void {
  if (!stream.listeners('error').includes(ignoreClosedPipe)) stream.on('error', ignoreClosedPipe);
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
