import { groupBy } from '../../core/group-by.ts';
import { median, medianOf, type Measurement } from './measure.ts';
import type { Row } from './scenario.ts';

/** What was not measured. */
export interface Omission {
  readonly what: string;
  readonly why: string;
}

export interface BenchReport {
  /** Processors, memory, versions: what the seconds depend on. */
  readonly machine: Readonly<Record<string, string | number>>;
  readonly runs: number;
  readonly scale: number;
  readonly rows: readonly Row[];
  readonly omissions: readonly Omission[];
}

type Column = readonly [title: string, cell: (row: Row, median: Measurement, rows: readonly Row[]) => string];

const COLUMNS: readonly Column[] = [
  ['job', ({ job }) => job],
  ['program', ({ program }) => program],
  ['time', (_, { seconds }) => secondsText(seconds)],
  ['ratio', (row, _, rows) => ratioOf(row, rows)?.toFixed(2) ?? ''],
  ['sync', (_, { syncSeconds }) => secondsText(syncSeconds)],
  ['CPU', (_, { processorSeconds }) => secondsText(processorSeconds)],
  ['server CPU', (_, { serverProcessorSeconds }) => orNothing(serverProcessorSeconds, secondsText)],
  ['memory', (_, { peakBytes }) => orNothing(peakBytes, megabytes)],
  ['server memory', (_, { serverPeakBytes }) => orNothing(serverPeakBytes, megabytes)],
  ['disk read', (_, { diskReadBytes }) => megabytes(diskReadBytes)],
  ['disk written', (_, { diskWrittenBytes }) => megabytes(diskWrittenBytes)],
  ['transactions', (_, { transactions }) => orNothing(transactions, String)],
  [
    'pipe empty',
    (_, { inputWaitSeconds }) => (inputWaitSeconds === undefined ? '' : secondsText(inputWaitSeconds)),
  ],
  ['notes', ({ note = '' }, { streamBytes }) => [...streamNote(streamBytes), ...words(note)].join('; ')],
];

/** The table of the medians, the programs of one job together, and what was left out. */
export function formatReport({ rows, scale, omissions }: BenchReport): string {
  const sorted = [...groupBy(rows, ({ job }) => job).values()].flat();
  const cells = sorted.map((row) => {
    const median = medianOf(row.runs);
    return COLUMNS.map(([, cell]) => cell(row, median, rows));
  });
  const left = omissions.map(({ what, why }) => `left out: ${what}: ${why}\n`);
  const scaled = scale === 1 ? [] : [`images of ${scale} times their size: aims do not count\n`];
  return [table([COLUMNS.map(([title]) => title), ...cells]), ...scaled, ...left].join('');
}

/** The same for programs, with every run. */
export function reportDocument({ rows, ...report }: BenchReport): unknown {
  const documents = rows.map((row) => ({ ...row, median: medianOf(row.runs), ratio: ratioOf(row, rows) }));
  return { ...report, rows: documents };
}

/**
 * Time of the job's first program, divided by that of `row`: the median of the ratios of the runs that followed each
 * other, because machines are not equally quick all day. `undefined` for the first program itself.
 */
function ratioOf(row: Row, rows: readonly Row[]): number | undefined {
  const ours = rows.find(({ job }) => job === row.job);
  return ours === undefined || ours === row ? undefined : medianRatio(ours, row);
}

type Figure = (run: Measurement) => number;

/** The median of the ratios of each run of `ours` to that of `theirs` which followed it: of times, where nothing is said. */
export function medianRatio(
  ours: Row,
  theirs: Row,
  [own, other]: readonly [Figure, Figure] = [timeOf, timeOf],
): number {
  return median(
    theirs.runs.flatMap((run, index) => {
      const paired = ours.runs[index];
      return paired === undefined ? [] : [own(paired) / other(run)];
    }),
  );
}

function timeOf({ seconds }: Measurement): number {
  return seconds;
}

function secondsText(seconds: number): string {
  return `${seconds.toFixed(2)} s`;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

function orNothing(value: number, text: (value: number) => string): string {
  return value === 0 ? '' : text(value);
}

function streamNote(streamBytes: number | undefined): string[] {
  return streamBytes === undefined ? [] : [`archive of ${megabytes(streamBytes)}`];
}

function words(text: string): string[] {
  return text === '' ? [] : [text];
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
