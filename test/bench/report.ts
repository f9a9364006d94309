import type { Measurement } from './measure.ts';

/** One line of the table: a job, who did it, and what it took. */
export interface Row {
  readonly job: string;
  readonly program: string;
  readonly measurement: Measurement;
  /** What else is to be known. */
  readonly note?: string;
}

/** The table, with each program's time as a ratio: unpackd's time divided by it. */
export function formatReport(rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const ours = rows.find(({ job, program }) => job === row.job && program === 'unpackd');
    const ratio =
      ours === undefined || ours === row
        ? ''
        : (ours.measurement.seconds / row.measurement.seconds).toFixed(2);
    const { seconds, peakBytes } = row.measurement;
    return [
      row.job,
      row.program,
      `${seconds.toFixed(2)} s`,
      `${Math.round(peakBytes / 1e6)} MB`,
      ratio,
      row.note ?? '',
    ];
  });
  return table([['job', 'program', 'time', 'peak memory', 'unpackd takes this part', 'notes'], ...lines]);
}

function table(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => (line[column] ?? '').length)),
  );
  const [head = [], ...rest] = lines.map((line) =>
    line.map((cell, column) => cell.padEnd(widths[column] ?? 0)),
  );
  const rule = widths.map((width) => '-'.repeat(width));
  return [head, rule, ...rest].map((line) => `| ${line.join(' | ')} |\n`).join('');
}
