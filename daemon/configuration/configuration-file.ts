import { readFileSync } from 'node:fs';
import { parseEvents, YAMLException } from 'js-yaml';
import type { Event } from 'js-yaml';
import { ValueReader } from './configuration-value.ts';
import type { FileEntry } from './configuration-value.ts';
import { isSystemError } from '../../core/system-error.ts';

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
    return { entries: [], problems: [`${file} cannot be read (${error.code}); let unpackd read it`] };
  }
}

/** Reads YAML without giving values a type: the option table does that, for all sources alike. */
export function parseConfiguration(source: string, file: string): FileContent {
  try {
    return contentOf(parseEvents(source, { filename: file }), source, file);
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const place = error.mark === undefined ? file : `${file}:${error.mark.line + 1}`;
    // What the parser quotes may be part of a password.
    const reason = error.reason.replace(/(?:: | ").*$/s, '');
    return {
      entries: [],
      problems: [`${place}: this is no YAML: ${reason}; look at indentation, brackets and quotes`],
    };
  }
}

function contentOf(events: readonly Event[], source: string, file: string): FileContent {
  const reader = new ValueReader(source, file, events);
  if (reader.isAtEnd) return { entries: [], problems: [] };
  const root = reader.next();
  if (root.kind === 'nothing') return { entries: [], problems: [] };
  if (root.kind !== 'mapping') {
    return { entries: [], problems: [`${file}: expected lines of the form "key: value"`] };
  }
  const further = reader.hasMore
    ? [`${file}: holds more than one YAML document; remove the line "---" and what follows`]
    : [];
  return { entries: root.entries, problems: [...reader.problems, ...further] };
}
