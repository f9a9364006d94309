import { MultiBar, type SingleBar } from 'cli-progress';
import type { Event } from '../../publisher/image/events.ts';
import { redact } from '../configuration/secrets.ts';
import { type Display, type OutputStream, handleEvent, type EventHandlers } from './display.ts';
import { formatBytes } from '../../core/text.ts';

/** Erases the rest of a bar behind a text that takes its line. */
const CLEAR_TO_END_OF_LINE = '\u001b[K';

const NAMES = { images: 'images', downloads: 'fetched', publication: 'published' } as const;
type BarName = keyof typeof NAMES;

/**
 * Progress bars on a terminal: images done, bytes fetched, bytes published, each once there is something to show.
 * Lines appear above them. The terminal's settings are left alone, so that a kill leaves it usable.
 */
export function createBarDisplay(stream: OutputStream): Display {
  const progress = createProgress();
  const bars = new Map<BarName, SingleBar>();
  let group: MultiBar | undefined;

  return { observe, line, summary: line, stop };

  function observe(event: Event): void {
    if (event.type === 'note' || event.type === 'waiting') line(redact(event.message));
    progress.observe(event);
    const amounts = progress.amounts();
    show('images', amounts.images, String);
    show('downloads', amounts.downloads, formatBytes);
    show('publication', amounts.publication, formatBytes);
  }

  function show(name: BarName, { done, total }: Amount, format: (value: number) => string): void {
    if (total === 0) return;
    const payload = { name: NAMES[name].padEnd(9), of: `${format(done)} of ${format(total)}` };
    const bar = bars.get(name);
    if (bar === undefined) {
      group ??= createGroup(stream);
      bars.set(name, group.create(total, done, payload));
    } else {
      bar.setTotal(total);
      bar.update(done, payload);
    }
  }

  function line(text: string): void {
    if (group === undefined) {
      stream.write(`${text}\n`);
      return;
    }
    group.log(`${text}${CLEAR_TO_END_OF_LINE}\n`);
    group.update();
  }

  function stop(): void {
    group?.stop();
    group = undefined;
    bars.clear();
  }
}

function createGroup(stream: OutputStream): MultiBar {
  return new MultiBar({
    stream,
    format: '{name} [{bar}] {percentage}% {of}',
    barsize: Math.max(10, Math.min(40, (stream.columns ?? 80) - 50)),
    fps: 10,
    clearOnComplete: true,
    emptyOnZero: true,
    // cuts bars at the terminal's width instead of switching the terminal's own wrapping off
    linewrap: true,
    // a bar that a line has moved down must be redrawn even if unchanged
    forceRedraw: true,
  });
}

/** `total` is 0 while nothing is known. */
export interface Amount {
  readonly done: number;
  readonly total: number;
}

export interface Progress {
  readonly observe: (event: Event) => void;
  /** Images; bytes of the layers that this run fetches; bytes of the current publication. */
  readonly amounts: () => Readonly<Record<BarName, Amount>>;
}

const NOTHING: Amount = { done: 0, total: 0 };

/** Adds up the events of a run. */
export function createProgress(): Progress {
  const layers = new Map<string, Amount>();
  let images = NOTHING;
  let downloads = NOTHING;
  let publication = NOTHING;

  const handlers: EventHandlers = {
    images: ({ count }) => {
      images = { ...images, total: images.total + count };
    },
    'image-finished': () => countImage(),
    'image-verified': () => countImage(),
    'image-passed-over': () => {
      images = { ...images, total: images.total - 1 };
    },
    'layer-started': ({ layer, sizeBytes }) => setLayer(layer, { done: 0, total: sizeBytes }),
    'layer-bytes': ({ layer, bytes }) => {
      const amount = layers.get(layer);
      if (amount !== undefined) setLayer(layer, advanced(amount, bytes));
    },
    // A failed download does not count.
    'layer-finished': ({ layer, sizeBytes, error }) =>
      setLayer(layer, error === undefined ? { done: sizeBytes, total: sizeBytes } : NOTHING),
    'publication-started': ({ contentBytes }) => {
      publication = { done: 0, total: contentBytes };
    },
    'publication-bytes': ({ bytes }) => {
      publication = advanced(publication, bytes);
    },
    'publication-finished': () => {
      publication = { done: publication.total, total: publication.total };
    },
  };

  return {
    observe: (event) => handleEvent(handlers, event),
    amounts: () => ({ images, downloads, publication }),
  };

  function countImage(): void {
    const done = images.done + 1;
    images = { done, total: Math.max(images.total, done) };
  }

  function setLayer(digest: string, after: Amount): void {
    const before = layers.get(digest) ?? NOTHING;
    layers.set(digest, after);
    downloads = {
      done: downloads.done + after.done - before.done,
      total: downloads.total + after.total - before.total,
    };
  }
}

function advanced({ done, total }: Amount, by: number): Amount {
  return { done: Math.min(total, done + by), total };
}
