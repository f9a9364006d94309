import { Died } from './died.ts';
import { release } from './version.ts';

/** What `ingest` is told, in the manner of the real script. */
export interface IngestArguments {
  tarFile: string;
  baseDirectory: string;
  /** All `-d` values. */
  deletions: string[];
  user: string;
  group: string;
  keepOwnership: boolean;
  catalog: boolean;
  toleratesMissingTargets: boolean;
  repository: string;
}

const LONG_OPTIONS: ReadonlyMap<string, string> = new Map([
  ['--base_dir', '-b'],
  ['--tar_file', '-t'],
  ['--delete', '-d'],
  ['--catalog', '-c'],
  ['--user', '-u'],
  ['--group', '-g'],
  ['--keep-ownership', '-k'],
]);

const NEWER_OPTIONS: ReadonlyMap<string, string> = new Map([
  ['--fast-delete', '-f'],
  ['--tolerate-missing-hardlinks', '-m'],
]);

/** A value may be taken for an option, and an empty word ends the options. */
export function readArguments(words: readonly string[]): IngestArguments {
  const request: IngestArguments = {
    tarFile: '',
    baseDirectory: '',
    deletions: [],
    user: '',
    group: '',
    keepOwnership: false,
    catalog: false,
    toleratesMissingTargets: false,
    repository: '',
  };
  let index = 0;
  for (; (words[index + 1] ?? '') !== ''; index += 1) {
    readOption(request, words[index] ?? '', words[index + 1] ?? '');
  }
  request.repository = words[index] ?? '';
  return request;
}

function readOption(request: IngestArguments, word: string, value: string): void {
  switch (LONG_OPTIONS.get(word) ?? word) {
    case '-b':
      request.baseDirectory = value;
      return;
    case '-t':
      request.tarFile = value;
      return;
    case '-d':
      request.deletions.push(value);
      return;
    case '-c':
      request.catalog = true;
      return;
    case '-u':
      request.user = value;
      return;
    case '-g':
      request.group = value;
      return;
    case '-k':
      request.keepOwnership = true;
      return;
    default:
      if (release() === '2.14') readNewerOption(request, NEWER_OPTIONS.get(word) ?? word, value);
  }
}

function readNewerOption(request: IngestArguments, word: string, value: string): void {
  switch (word) {
    case '-f':
      request.deletions.push(value);
      return;
    case '-m':
      request.toleratesMissingTargets = true;
      return;
    case '--gc-db':
      throw new Died('the double knows no database of paths to delete');
    default:
  }
}

/** What Linux takes as one argument of a program, with the zero at its end. */
const LONGEST_ARGUMENT_BYTES = 128 * 1024 - 1;
/** About what else stands in the command that the real one hands to a shell, as one argument. */
const OTHER_WORDS_BYTES = 1024;

/**
 * The paths of `-d`, as they arrive after their way through a shell as one word without quotes.
 *
 * @throws Died where they are too long for that
 */
export function deletionsOf({ deletions }: IngestArguments): string[] {
  const [delimiter, values] = release() === '2.14' ? ['///', newerValues(deletions)] : [':', deletions];
  const joined = bytes(values.join(delimiter));
  if (joined.length + OTHER_WORDS_BYTES > LONGEST_ARGUMENT_BYTES) throw new Died('Argument list too long');
  const [list = ''] = joined.split(/\s/);
  return list.split(delimiter).filter((path) => path !== '');
}

/** Of a path below `/cvmfs` the mount is taken off, and all others are forgotten. */
function newerValues(deletions: readonly string[]): readonly string[] {
  const values = deletions.map((value) => value.split(/\s+/).join(' ').replaceAll(/\/+/g, '/'));
  const absolute = values.findLast((value) => value.startsWith('/cvmfs/'));
  return absolute === undefined ? values : [absolute.split('/').slice(3).join('/')];
}

export function bytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}
