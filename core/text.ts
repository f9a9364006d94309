const MAXIMUM_CHARACTERS = 300;

/** `text` in double quotes for a message: unprintable characters escaped, over-long text cut. */
export function quoted(text: string): string {
  return printable(JSON.stringify(cut(text)));
}

/** `text`, where it is over-long its beginning with an ellipsis. */
export function cut(text: string): string {
  return text.length > MAXIMUM_CHARACTERS ? `${text.slice(0, MAXIMUM_CHARACTERS)}…` : text;
}

/**
 * Escapes unprintable characters of `text`, such as a file name, without quotes: control characters would act on a
 * terminal; format characters (bidirectional ones, say) would mislead.
 */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/** A number of things for people: `1 image`, `2 images`. `plural`: where that is not the noun with an s. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}

/**
 * A time for people, in the zone of the process, with how far that is from UTC: `2026-11-28 15:40 +01:00`. All that
 * programs read has RFC 3339 in place of it.
 *
 * @param time milliseconds since 1970, or a text as RFC 3339 has it
 */
export function localTime(time: number | string): string {
  return shown(time, 2);
}

/** Such as `2026-11-28 15:40:01 +01:00`. */
export function localTimeWithSeconds(time: number | string): string {
  return shown(time, 3);
}

function shown(time: number | string, clockParts: 2 | 3): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return 'an unknown time';
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()].map(twoDigits).join('-');
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].slice(0, clockParts);
  return `${day} ${clock.map(twoDigits).join(':')} ${offset(-date.getTimezoneOffset())}`;
}

function offset(minutes: number): string {
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${twoDigits(Math.floor(size / 60))}:${twoDigits(size % 60)}`;
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0');
}

/** Units of sizes, as they are configured. */
export const BYTE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** A size as somebody would configure it, nothing rounded: `100GiB`. */
export function exactSize(bytes: number): string {
  return shortest(bytes, BYTE_UNITS) ?? String(bytes);
}

/** A number with the unit that leaves the fewest digits; `undefined` where none leaves a whole number. */
export function shortest(value: number, units: Readonly<Record<string, number>>): string | undefined {
  const texts = Object.entries(units)
    .filter(([unit, factor]) => unit !== '' && value % factor === 0)
    .map(([unit, factor]) => ({ text: `${value / factor}${unit}`, number: value / factor }));
  return texts.sort((a, b) => a.number - b.number)[0]?.text;
}

const SHOWN_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** A number of bytes for people, in powers of 1000: `12.3 MB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.95 && unit < SHOWN_UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${SHOWN_UNITS[unit] ?? ''}`;
}

/** The candidate that `word` is most likely a slip for, or `undefined` where none is near. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: { readonly candidate: string; readonly distance: number } | undefined;
  for (const candidate of candidates) {
    const farthest = Math.max(1, Math.floor(Math.max(word.length, candidate.length) / 3));
    if (Math.abs(word.length - candidate.length) > farthest) continue;
    const distance = editDistance(word, candidate);
    if (distance <= farthest && (best === undefined || distance < best.distance))
      best = { candidate, distance };
  }
  return best?.candidate;
}

/** `; did you mean …?`, or nothing. */
export function suggestion(word: string, candidates: readonly string[]): string {
  const candidate = nearest(word, candidates);
  return candidate === undefined ? '' : `; did you mean ${candidate}?`;
}

/** Counts characters to insert, remove or replace, and neighbors to swap (optimal string alignment). */
function editDistance(from: string, to: string): number {
  let before: readonly number[] = [];
  let row: readonly number[] = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let line = 1; line <= from.length; line++) {
    const next = [line];
    for (let column = 1; column <= to.length; column++) {
      const replaced = at(row, column - 1) + (from[line - 1] === to[column - 1] ? 0 : 1);
      const isSwapped = from[line - 1] === to[column - 2] && from[line - 2] === to[column - 1];
      const swapped = isSwapped ? at(before, column - 2) + 1 : Infinity;
      next.push(Math.min(replaced, swapped, at(row, column) + 1, at(next, column - 1) + 1));
    }
    [before, row] = [row, next];
  }
  return at(row, to.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Infinity;
}
