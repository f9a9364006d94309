import { handleEvent } from './event-handlers.ts';
import type { EventHandlers } from './event-handlers.ts';
import type { Event } from '../../publisher/image/events.ts';

/** How far something is; `total` is 0 while nothing is known. */
export interface Amount {
  readonly done: number;
  readonly total: number;
}

export interface Amounts {
  readonly images: Amount;
  /** In bytes, of the layers that this run fetches. */
  readonly downloads: Amount;
  /** In bytes, of the publication that goes on. */
  readonly publication: Amount;
}

export interface Progress {
  readonly observe: (event: Event) => void;
  readonly amounts: () => Amounts;
}

const NOTHING: Amount = { done: 0, total: 0 };

/** Adds up what the events of a run say. */
export function createProgress(): Progress {
  const layers = new Map<string, Amount>();
  let images = NOTHING;
  let downloads = NOTHING;
  let publication = NOTHING;

  const handlers: EventHandlers = {
    images: ({ count }) => {
      images = { ...images, total: images.total + count };
    },
    'image-finished': () => {
      const done = images.done + 1;
      images = { done, total: Math.max(images.total, done) };
    },
    'image-passed-over': () => {
      images = { ...images, total: images.total - 1 };
    },
    'layer-started': ({ layer, sizeBytes }) => setLayer(layer, { done: 0, total: sizeBytes }),
    'layer-bytes': ({ layer, bytes }) => {
      const amount = layers.get(layer);
      if (amount !== undefined) setLayer(layer, advanced(amount, bytes));
    },
    // What did not arrive is no part of the sum.
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
