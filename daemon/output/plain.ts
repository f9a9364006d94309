import { handleEvent } from './event-handlers.ts';
import type { EventHandlers } from './event-handlers.ts';
import type { Display, OutputStream } from './display.ts';
import { counted, formatBytes, formatDuration, shortDigest } from './format.ts';
import { redactLine } from '../configuration/redact.ts';

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
    'publication-started': ({ images, contentBytes }) => {
      publicationStart = now();
      return `publishing ${counted(images, 'image')} (${formatBytes(contentBytes)})`;
    },
    'publication-finished': ({ layers, error }) =>
      error === undefined
        ? `publication done: ${counted(layers.length, 'new layer')} in ${formatDuration(now() - publicationStart)}`
        : `publication failed: ${error}`,
  };
}
