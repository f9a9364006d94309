import { EVENT_ID, type Event } from 'js-yaml';

/** Limits that keep a hostile text cheap. */
export interface YamlLimits {
  /** UTF-16 units of a line, and of a value that spans several lines. */
  readonly characters: number;
  /** Line ends and `- , : ? [ {`: bounds how many things a text can hold, and js-yaml makes an object for each. */
  readonly marks: number;
  /** Keys and values, in lists and mappings; an alias counts as its target each time. */
  readonly values: number;
  /** Keys of a mapping. */
  readonly entries: number;
}

/** The offset at which a text exceeds a limit, and which. */
export interface Excess {
  readonly offset: number;
  readonly reason: string;
}

const MARKS: ReadonlySet<number> = new Set(Array.from('\n\r-,:?[{', (mark) => mark.charCodeAt(0)));

/** Counts marks, before the text is parsed. */
export function findTooManyMarks(text: string, { marks: most }: YamlLimits): Excess | undefined {
  let marks = 0;
  for (let offset = 0; offset < text.length; offset += 1) {
    if (!MARKS.has(text.charCodeAt(offset))) continue;
    marks += 1;
    if (marks > most) return { offset, reason: `the text has more than ${most} lines, entries and keys` };
  }
  return undefined;
}

type ValueEvent = Exclude<Event, { type: typeof EVENT_ID.POP }>;

/** A list, mapping or document that is still open. */
interface Open {
  readonly isMapping: boolean;
  readonly anchor: string | undefined;
  readonly offset: number;
  /** Of keys and values, one by one. */
  members: number;
  /** Including everything nested. */
  values: number;
}

/**
 * Finds a value, a mapping or a whole that is too large. An alias counts as all of its target, at any depth: it takes no
 * room, but reading it takes the time.
 */
export function findTooMuch(text: string, events: readonly Event[], limits: YamlLimits): Excess | undefined {
  const count = new Count(text, limits);
  for (const event of events) {
    const excess = event.type === EVENT_ID.POP ? count.close() : count.add(event);
    if (excess !== undefined) return excess;
  }
  return undefined;
}

class Count {
  readonly #text: string;
  readonly #limits: YamlLimits;
  readonly #open: Open[] = [];
  /** By anchor, the number of values in its target. */
  readonly #sizes = new Map<string, number>();
  #total = 0;

  constructor(text: string, limits: YamlLimits) {
    this.#text = text;
    this.#limits = limits;
  }

  add(event: ValueEvent): Excess | undefined {
    const offset = offsetOf(event);
    const size = this.#sizeOf(event);
    this.#total += size;
    const { values: most, characters } = this.#limits;
    if (this.#total > most)
      return { offset, reason: `the text holds more than ${most} values, aliases resolved` };
    this.#place(event, offset, size);
    if (event.type !== EVENT_ID.SCALAR || event.valueEnd - event.valueStart <= characters) return undefined;
    return { offset, reason: `the value has more than ${characters} characters` };
  }

  close(): Excess | undefined {
    const closed = this.#open.pop();
    if (closed === undefined) throw new Error('js-yaml ends what has not begun');
    const { isMapping, anchor, offset, members, values } = closed;
    const above = this.#open.at(-1);
    if (above !== undefined) above.values += values;
    if (anchor !== undefined) this.#sizes.set(anchor, values);
    if (!isMapping || members <= 2 * this.#limits.entries) return undefined;
    return {
      offset,
      reason: `the mapping has ${members / 2} keys, and ${this.#limits.entries} are allowed`,
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
