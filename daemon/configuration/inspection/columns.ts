/** A longer text does not widen its column for all others. */
const WIDEST = 40;

/** Lines of `rows`, whose cells begin below each other. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const count = rows.reduce((most, row) => Math.max(most, row.length), 0);
  const widths = Array.from({ length: count }, (_, index) => widthOf(rows.map((row) => row[index] ?? '')));
  return rows.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function widthOf(cells: readonly string[]): number {
  return cells.reduce((most, { length }) => (length <= WIDEST ? Math.max(most, length) : most), 0);
}
