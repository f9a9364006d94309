import type { Event } from '../../publisher/image/events.ts';

type EventType = Event['type'];
type EventOf<Type extends EventType> = {
  [T in Type]: Extract<Event, { readonly type: T }> & { readonly type: T };
}[Type];

/** What to do for the kinds of event that an observer cares for. */
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
