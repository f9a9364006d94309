import { EVENT_ID, getScalarValue, SCALAR_STYLE } from 'js-yaml';
import type { Event, ScalarEvent } from 'js-yaml';
import { Lines } from '../../wishlist/recipe/lines.ts';

/** A value of the configuration file as it is written: text has no type yet. Lines count from 1. */
export type FileValue =
  | { readonly kind: 'text'; readonly line: number; readonly text: string }
  | { readonly kind: 'list'; readonly line: number; readonly items: readonly FileValue[] }
  | { readonly kind: 'mapping'; readonly line: number; readonly entries: readonly FileEntry[] }
  | { readonly kind: 'nothing' | 'alias'; readonly line: number };

/** One `key: value`, not yet checked. */
export interface FileEntry {
  readonly key: string;
  /** The key's, from 1. */
  readonly line: number;
  readonly value: FileValue;
}

/** Reads one value after the other from the events of a YAML text. */
export class ValueReader {
  /** Repeated keys, and keys that are no words, each with its place. */
  readonly problems: string[] = [];
  readonly #source: string;
  readonly #file: string;
  readonly #events: readonly Event[];
  readonly #lines: Lines;
  /** Behind the document's own event. */
  #index = 1;
  #line = 1;

  constructor(source: string, file: string, events: readonly Event[]) {
    this.#source = source;
    this.#file = file;
    this.#events = events;
    this.#lines = new Lines(source);
  }

  /** Whether the document ends here. */
  get isAtEnd(): boolean {
    const type = this.#events[this.#index]?.type;
    return type === undefined || type === EVENT_ID.POP;
  }

  /** Whether a further document follows the end of this one. */
  get hasMore(): boolean {
    return this.#events.length > this.#index + 1;
  }

  /** The next value; `path` names it in problems: the keys that lead to it, each with `: ` behind it. */
  next(path = ''): FileValue {
    const event = this.#events[this.#index++];
    switch (event?.type) {
      case EVENT_ID.SCALAR:
        return this.#scalar(event);
      case EVENT_ID.SEQUENCE:
        return { kind: 'list', line: this.#moveTo(event.start), items: this.#items(path) };
      case EVENT_ID.MAPPING:
        return { kind: 'mapping', line: this.#moveTo(event.start), entries: this.#entries(path) };
      case EVENT_ID.ALIAS:
        return { kind: 'alias', line: this.#moveTo(event.anchorStart) };
      default:
        throw new Error('there is no value where the parser should have one');
    }
  }

  #items(path: string): FileValue[] {
    const items: FileValue[] = [];
    while (!this.isAtEnd) items.push(this.next(path));
    this.#index++;
    return items;
  }

  #entries(path: string): FileEntry[] {
    const entries: FileEntry[] = [];
    while (!this.isAtEnd) {
      const key = this.next(path);
      const { line } = key;
      const name = key.kind === 'text' ? key.text : '';
      const value = this.next(`${path}${name}: `);
      if (key.kind === 'text') this.#addEntry(entries, { key: name, line, value }, path);
      else this.problems.push(`${this.#file}:${line}: ${path}expected a plain word as the key`);
    }
    this.#index++;
    return entries;
  }

  #addEntry(entries: FileEntry[], entry: FileEntry, path: string): void {
    const earlier = entries.find(({ key }) => key === entry.key);
    if (earlier === undefined) entries.push(entry);
    else {
      this.problems.push(
        `${this.#file}:${entry.line}: ${path}${entry.key} is set already on line ${earlier.line}; keep one of them`,
      );
    }
  }

  #scalar(event: ScalarEvent): FileValue {
    const line = this.#moveTo(event.valueStart);
    if (isNothing(event, this.#source)) return { kind: 'nothing', line };
    return { kind: 'text', line, text: getScalarValue(this.#source, event) };
  }

  /** An empty value has no place of its own: it counts to the line before. */
  #moveTo(offset: number): number {
    if (offset !== -1) this.#line = this.#lines.positionAt(offset).line;
    return this.#line;
  }
}

/** @see YAML 1.2.2, section 10.3.2, "Tag Resolution": what stands for null. */
function isNothing(event: ScalarEvent, source: string): boolean {
  if (event.valueStart === -1) return true;
  return event.style === SCALAR_STYLE.PLAIN && /^(?:~|null|Null|NULL)?$/.test(getScalarValue(source, event));
}
