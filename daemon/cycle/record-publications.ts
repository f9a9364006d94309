import { contained, type Event, type Observer } from '../../publisher/image/events.ts';
import { handleEvent, type EventHandlers } from '../output/event-handlers.ts';
import type { WorkParts } from './repository-work.ts';

/** Writes down the publications of a repository: one at a time is made. */
export function recordPublications(
  repository: string,
  { history, nowMs }: Pick<WorkParts, 'history' | 'nowMs'>,
): Observer {
  let started = { images: 0, bytes: 0, startedMs: nowMs() };
  const handlers: EventHandlers = {
    'publication-started': ({ images, contentBytes: bytes }) => {
      started = { images, bytes, startedMs: nowMs() };
    },
    'publication-finished': ({ layers, revision, error }) => {
      const finishedMs = nowMs();
      history.publication({ repository, ...started, finishedMs, layers: layers.length, revision, error });
    },
  };
  return (event) => handleEvent(handlers, event);
}

/** Tells both of everything, whatever becomes of that. */
export function both(one: Observer, other: Observer): Observer {
  const [toOne, toOther] = [contained(one), contained(other)];
  return (event: Event) => {
    toOne(event);
    toOther(event);
  };
}
