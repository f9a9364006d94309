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
