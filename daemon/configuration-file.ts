import { readFileSync } from 'node:fs';
import { EVENT_ID, getScalarValue, parseEvents, SCALAR_STYLE, YAMLException } from 'js-yaml';
import type { Event, ScalarEvent } from 'js-yaml';
import { isSystemError } from './system-error.ts';

/** One `key: value` of the configuration file, not yet checked. */
export interface FileEntry {
  readonly key: string;
  /** From 1. */
  readonly line: number;
  /** The value's text; `undefined` where it is no single value, but a list, a mapping or nothing. */
  readonly text: string | undefined;
}

export interface FileContent {
  readonly entries: readonly FileEntry[];
  /** What is wrong with the form of the file, each with its place. */
  readonly problems: readonly string[];
}

/** The file's content; `undefined` where there is no such file. */
export function readConfigurationFile(file: string): FileContent | undefined {
  try {
    return parseConfiguration(readFileSync(file, 'utf8'), file);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    return { entries: [], problems: [`${file} cannot be read (${error.code})`] };
  }
}

/** Reads YAML without giving values a type: the option table does that, for all sources alike. */
export function parseConfiguration(source: string, file: string): FileContent {
  try {
    return entriesOf(parseEvents(source, { filename: file }), source, file);
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const place = error.mark === undefined ? file : `${file}:${error.mark.line + 1}`;
    return { entries: [], problems: [`${place}: this is no YAML: ${error.reason}`] };
  }
}

function entriesOf(events: readonly Event[], source: string, file: string): FileContent {
  const root = events[1];
  if (root === undefined || (root.type === EVENT_ID.SCALAR && isNothing(root, source))) {
    return { entries: [], problems: [] };
  }
  if (root.type !== EVENT_ID.MAPPING) {
    return { entries: [], problems: [`${file}: expected lines of the form "key: value"`] };
  }
  const entries: FileEntry[] = [];
  const problems: string[] = [];
  let index = 2;
  let line = lineOf(root.start, source);
  for (let key = events[index]; key !== undefined && key.type !== EVENT_ID.POP; key = events[index]) {
    const valueIndex = endOfNode(events, index);
    if (key.type === EVENT_ID.SCALAR) {
      line = key.valueStart === -1 ? line : lineOf(key.valueStart, source);
      addEntry({ key: getScalarValue(source, key), line, text: textOf(events[valueIndex], source) });
    } else {
      problems.push(`${file}:${line}: expected a plain word as the key`);
    }
    index = endOfNode(events, valueIndex);
  }
  if (events.length > index + 2) problems.push(`${file}: holds more than one YAML document`);
  return { entries, problems };

  function addEntry(entry: FileEntry): void {
    const earlier = entries.find(({ key }) => key === entry.key);
    if (earlier === undefined) entries.push(entry);
    else problems.push(`${file}:${entry.line}: ${entry.key} is set already on line ${earlier.line}`);
  }
}

/** The index behind the node that begins at `index`. */
function endOfNode(events: readonly Event[], index: number): number {
  let depth = 0;
  let at = index;
  do {
    const type = events[at++]?.type;
    if (type === EVENT_ID.MAPPING || type === EVENT_ID.SEQUENCE) depth++;
    if (type === EVENT_ID.POP) depth--;
  } while (depth > 0);
  return at;
}

function textOf(event: Event | undefined, source: string): string | undefined {
  if (event?.type !== EVENT_ID.SCALAR || isNothing(event, source)) return undefined;
  return getScalarValue(source, event);
}

/** @see YAML 1.2.2, section 10.3.2, "Tag Resolution": what stands for null. */
function isNothing(event: ScalarEvent, source: string): boolean {
  if (event.valueStart === -1) return true;
  return event.style === SCALAR_STYLE.PLAIN && /^(?:~|null|Null|NULL)?$/.test(getScalarValue(source, event));
}

function lineOf(offset: number, source: string): number {
  return source.slice(0, offset).split('\n').length;
}
