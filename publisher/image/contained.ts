import type { Event, Observer } from './events.ts';
import { stackOf } from '../../core/failure.ts';

/** Keeps whoever is told of something from ending that: where `observe` throws, that is a mistake, which it is told of. */
export function contained(observe: Observer): Observer {
  return (event) => {
    try {
      observe(event);
    } catch (error) {
      tell(observe, { type: 'bug', image: labelOf(event), stack: stackOf(error) });
    }
  };
}

function tell(observe: Observer, bug: Event): void {
  try {
    observe(bug);
  } catch {
    // There is nobody left to tell.
  }
}

function labelOf(event: Event): string {
  return 'image' in event ? event.image : event.type;
}
