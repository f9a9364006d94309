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
