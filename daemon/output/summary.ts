import { handleEvent, type EventHandlers } from './event-handlers.ts';
import type { Event } from '../../publisher/image/events.ts';
import { counted, formatBytes, formatDuration } from './format.ts';
import { isUndone, type Report } from './results.ts';

/** Counts what a run does, for one line at its end. */
export interface Summary {
  readonly observe: (event: Event) => void;
  /** `2 published, 40 unchanged, 1 failed; 738.0 MB fetched in 12 s` */
  readonly text: (report: Report) => string;
}

export function createSummary(now: () => number = () => performance.now()): Summary {
  const beganMs = now();
  let fetchedBytes = 0;
  const handlers: EventHandlers = {
    'layer-finished': ({ sizeBytes, error }) => {
      if (error === undefined) fetchedBytes += sizeBytes;
    },
  };
  return { observe: (event) => handleEvent(handlers, event), text };

  function text({ unusable, repositories }: Report): string {
    const results = [...unusable, ...repositories.flatMap(({ images }) => images)].map(
      ({ result }) => result,
    );
    const count = (outcome: string): number => results.filter((one) => one.outcome === outcome).length;
    const undone = results.filter(isUndone).length;
    const counts = [
      [count('published'), 'published'],
      [count('unchanged'), 'unchanged'],
      [count('failed') - undone, 'failed'],
      [undone, 'not done'],
    ] as const;
    const parts = counts.flatMap(([number, what]) => (number === 0 ? [] : [`${number} ${what}`]));
    const what = parts.length === 0 ? counted(0, 'image') : parts.join(', ');
    return `${what}; ${formatBytes(fetchedBytes)} fetched in ${formatDuration(now() - beganMs)}`;
  }
}
