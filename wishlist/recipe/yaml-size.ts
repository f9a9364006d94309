import { EVENT_ID, type Event } from 'js-yaml';
import { RECIPE_LIMITS } from './limits.ts';

/** What goes beyond {@link RECIPE_LIMITS}, and where it begins in the text. */
export interface TooMuch {
  readonly offset: number;
  readonly reason: string;
}

const MARKS: ReadonlySet<number> = new Set(Array.from('\n\r-,:?[{', (mark) => mark.charCodeAt(0)));

/** Where a text has more than may be read of what divides YAML into things. */
export function findTooManyMarks(text: string): TooMuch | undefined {
  const { marks: most } = RECIPE_LIMITS;
  let marks = 0;
  for (let offset = 0; offset < text.length; offset += 1) {
    if (!MARKS.has(text.charCodeAt(offset))) continue;
    marks += 1;
    if (marks > most) return { offset, reason: `the text has more than ${most} lines, entries and keys` };
  }
  return undefined;
}

type ValueEvent = Exclude<Event, { type: typeof EVENT_ID.POP }>;

/** A list, mapping or document that has not ended. */
interface Open {
  readonly isMapping: boolean;
  readonly anchor: string | undefined;
  readonly offset: number;
  /** Of keys and values, one by one. */
  members: number;
  /** With all that it holds. */
  values: number;
}

/**
 * What of the YAML in `text` is too large: a value, a mapping, or the whole. An alias counts for all that it stands for, at
 * any depth, though it takes no room: whoever reads it takes the time.
 */
export function findTooMuch(text: string, events: readonly Event[]): TooMuch | undefined {
  const count = new Count(text);
  for (const event of events) {
    const tooMuch = event.type === EVENT_ID.POP ? count.close() : count.add(event);
    if (tooMuch !== undefined) return tooMuch;
  }
  return undefined;
}

class Count {
  readonly #text: string;
  readonly #open: Open[] = [];
  /** By anchor, how many values each alias of it stands for. */
  readonly #sizes = new Map<string, number>();
  #total = 0;

  constructor(text: string) {
    this.#text = text;
  }

  add(event: ValueEvent): TooMuch | undefined {
    const offset = offsetOf(event);
    const size = this.#sizeOf(event);
    this.#total += size;
    const { values: most, characters } = RECIPE_LIMITS;
    if (this.#total > most)
      return { offset, reason: `the text holds more than ${most} values, aliases resolved` };
    this.#place(event, offset, size);
    if (event.type !== EVENT_ID.SCALAR || event.valueEnd - event.valueStart <= characters) return undefined;
    return { offset, reason: `the value has more than ${characters} characters` };
  }

  close(): TooMuch | undefined {
    const closed = this.#open.pop();
    if (closed === undefined) throw new Error('js-yaml ends what has not begun');
    const { isMapping, anchor, offset, members, values } = closed;
    const above = this.#open.at(-1);
    if (above !== undefined) above.values += values;
    if (anchor !== undefined) this.#sizes.set(anchor, values);
    if (!isMapping || members <= 2 * RECIPE_LIMITS.entries) return undefined;
    return {
      offset,
      reason: `the mapping has ${members / 2} keys, and ${RECIPE_LIMITS.entries} are allowed`,
    };
  }

  #sizeOf(event: ValueEvent): number {
    if (event.type !== EVENT_ID.ALIAS) return 1;
    return this.#sizes.get(anchorOf(this.#text, event) ?? '') ?? 1;
  }

  #place(event: ValueEvent, offset: number, size: number): void {
    const above = this.#open.at(-1);
    if (above !== undefined) above.members += 1;
    const anchor = anchorOf(this.#text, event);
    if (event.type === EVENT_ID.SCALAR || event.type === EVENT_ID.ALIAS) {
      if (above !== undefined) above.values += size;
      if (anchor !== undefined && event.type === EVENT_ID.SCALAR) this.#sizes.set(anchor, 1);
      return;
    }
    this.#open.push({ isMapping: event.type === EVENT_ID.MAPPING, anchor, offset, members: 0, values: 1 });
  }
}

function anchorOf(text: string, event: ValueEvent): string | undefined {
  if (!('anchorStart' in event) || event.anchorStart < 0) return undefined;
  return text.slice(event.anchorStart, event.anchorEnd);
}

function offsetOf(event: ValueEvent): number {
  if (event.type === EVENT_ID.SCALAR) return Math.max(0, event.valueStart);
  if (event.type === EVENT_ID.ALIAS) return Math.max(0, event.anchorStart - 1);
  return 'start' in event ? Math.max(0, event.start) : 0;
}
