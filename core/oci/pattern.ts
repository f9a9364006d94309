import { Minimatch, braceExpand } from 'minimatch';
import { Failure } from '../failure.ts';
import { quoted } from '../text.ts';

/** Returns true for a tag that the pattern covers. */
export type TagMatcher = (tag: string) => boolean;

/** Means a folder, or something in another one, if it were a path. */
const NO_TAG = /^\.{0,2}$|\//;
export const MAXIMUM_CHARACTERS = 1000;
const MAXIMUM_TAG_CHARACTERS = 128;
const MAXIMUM_ALTERNATIVES = 1000;

/** Turns off everything in minimatch but `*`, `?`, `[…]` and `{a,b}`. */
const GLOB = {
  dot: true,
  nocomment: true,
  noext: true,
  noglobstar: true,
  nonegate: true,
  platform: 'linux',
} as const;

const FOREIGN = /[^A-Za-z0-9._*?[\]{}!,-]/u;
const CLASS = /\[!?([A-Za-z0-9._-]+)\]/g;
const ALTERNATIVE = /^[A-Za-z0-9_*?][A-Za-z0-9._*?-]{0,127}$/;
const TAGS =
  'tags are made of letters, digits and . _ -, and in a pattern * ? […] {…} stand for such characters';
const CLASSES = 'write [abc] or [a-z] for one of these characters, [!abc] for any other';

/**
 * Refuses what is not a valid tag pattern, or one that no tag can match. In a pattern `*` stands for any number of
 * characters, none included; `?` for one; `[abc]`, `[a-z]` for one of these, `[!abc]` for one that is none of these;
 * `{a,b}` for either, `{1..9}` for each number. Everything else means itself, and nothing can be escaped. At most 1,000
 * characters, and 1,000 alternatives once the braces are resolved, of 128 characters each.
 *
 * @throws Failure `pattern-invalid`; the message is a predicate, such as `is empty`
 */
export function checkGlob(glob: string): void {
  if (glob === '') throw invalid('is empty', 'write a tag, or a pattern such as 1.*');
  if (glob.length > MAXIMUM_CHARACTERS) {
    throw invalid(
      `has ${glob.length} characters, and ${MAXIMUM_CHARACTERS} are allowed`,
      'make it several patterns',
    );
  }
  refuseForeignCharacters(glob);
  const alternatives = braceExpand(glob, { braceExpandMax: MAXIMUM_ALTERNATIVES + 1 });
  if (alternatives.length === 0) throw invalid('has only empty alternatives', 'write {a,b} for a or b');
  if (alternatives.length > MAXIMUM_ALTERNATIVES) {
    throw invalid(
      `stands for more than ${MAXIMUM_ALTERNATIVES} alternatives`,
      'shorten what is in braces, or write a * instead',
    );
  }
  for (const alternative of alternatives) checkAlternative(alternative, glob);
}

/** Counts the alternatives of `glob`, which {@link checkGlob} accepts. */
export function alternativesIn(glob: string): number {
  return glob.includes('{') ? braceExpand(glob, { braceExpandMax: MAXIMUM_ALTERNATIVES }).length : 1;
}

/** The same of any text, not less, without finding out: exact where there is one list in braces. */
export function alternativesAtMost(glob: string): number {
  if (!glob.includes('{') || glob.length > MAXIMUM_CHARACTERS) return 1;
  const isOneList = glob.indexOf('{') === glob.lastIndexOf('{') && !glob.includes('..');
  return isOneList ? glob.split(',').length : MAXIMUM_ALTERNATIVES;
}

/** Matches whole tags against `glob`, which {@link checkGlob} accepts. Upper and lower case differ. */
export function globMatcher(glob: string): TagMatcher {
  if (!/[?[{]/.test(glob)) return starMatcher(glob);
  const matcher = new Minimatch(glob, GLOB);
  return (tag) => matcher.match(tag);
}

/**
 * What matches `pattern` as a whole, where `*` stands for any number of characters, none included, and every other
 * character for itself. What cannot be a tag and would be a path, such as the empty one, `..` and `a/b`, matches no `*`.
 *
 * Nearly all patterns are of this kind. This takes a tenth of minimatch's time, a twentieth of its memory, and at most
 * the time of one search through the tag for each piece between stars.
 *
 * @internal
 */
export function starMatcher(pattern: string): TagMatcher {
  const pieces = pattern.split('*');
  const head = pieces.shift() ?? '';
  const tail = pieces.pop();
  if (tail === undefined) return (tag) => tag === pattern;
  const between = pieces.filter((piece) => piece !== '');
  const fixed = head.length + tail.length;
  return (tag) =>
    tag.length >= fixed &&
    tag.startsWith(head) &&
    tag.endsWith(tail) &&
    holdsInOrder(tag, between, { from: head.length, to: tag.length - tail.length }) &&
    !NO_TAG.test(tag);
}

/** The first place of each piece leaves the most for those after it, so there is nothing to try again. */
function holdsInOrder(
  tag: string,
  pieces: readonly string[],
  { from, to }: { from: number; to: number },
): boolean {
  let start = from;
  for (const piece of pieces) {
    const found = tag.indexOf(piece, start);
    if (found === -1) return false;
    start = found + piece.length;
  }
  return start <= to;
}

function refuseForeignCharacters(glob: string): void {
  const [character] = FOREIGN.exec(glob) ?? [];
  if (character === undefined) return;
  if (character === '\\') {
    throw invalid(
      'holds a backslash, and nothing can be escaped',
      'remove it: only * ? [ ] { } and the comma in braces have a meaning, and no tag holds them',
    );
  }
  if (glob.includes('[^')) throw invalid('excludes characters with ^', 'write [!abc]');
  if (glob.includes('[:')) throw invalid('has a class of characters by name', CLASSES);
  throw invalid(`holds ${quoted(character)}, which no tag does`, hintFor(character));
}

function hintFor(character: string): string {
  if ('()|+$'.includes(character)) {
    return 'patterns are not regular expressions: write * for any number of characters, {a,b} for a or b';
  }
  if ('<>=^~'.includes(character)) {
    return 'write a range of versions as an entry of its own in a list of tags, such as >=21.2 <22';
  }
  return character === ':' ? 'write the tag alone, without registry and repository' : TAGS;
}

function checkAlternative(alternative: string, glob: string): void {
  const which = alternative === glob ? '' : `has the alternative ${quoted(alternative)}, which `;
  if (/[{}]/.test(alternative)) {
    throw invalid('has a brace without counterpart, or no comma in braces', 'write {a,b} for a or b');
  }
  for (const [, characters = ''] of alternative.matchAll(CLASS)) refuseBackwardRange(characters);
  const withoutClasses = alternative.replace(CLASS, '?');
  if (ALTERNATIVE.test(withoutClasses)) return;
  if (/[[\]]/.test(withoutClasses)) {
    throw invalid(
      `${which}has a class that is empty, not closed, or holds more than letters, digits and . _ -`,
      CLASSES,
    );
  }
  if (withoutClasses.includes(',')) throw invalid(`${which}has a comma outside of braces`, 'write {a,b}');
  if (withoutClasses.includes('!')) {
    throw invalid(
      `${which}holds a ! outside of a class`,
      'to leave tags out, begin an entry of a list of tags with !, such as !*-rc*',
    );
  }
  if (withoutClasses.length > MAXIMUM_TAG_CHARACTERS) {
    throw invalid(`${which}has more than ${MAXIMUM_TAG_CHARACTERS} characters, as no tag does`, 'shorten it');
  }
  throw invalid(`${which}begins with . or -, as no tag does`, 'put a * in front for tags that end like this');
}

function refuseBackwardRange(characters: string): void {
  for (const [range, first = '', last = ''] of characters.matchAll(/(.)-(.)/g)) {
    if (first > last) {
      throw invalid(`has the range ${quoted(range)}, which runs backwards`, `write ${last}-${first}`);
    }
  }
}

function invalid(reason: string, hint: string): Failure {
  return new Failure('pattern-invalid', reason, { hint });
}
