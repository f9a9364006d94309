import type { Measurement } from './measure.ts';
import { medianRatio } from './report.ts';
import type { Row } from './scenario.ts';

const MOST_MEMORY_BYTES = 300e6;

/** Most that time or processor time of a job's first program, unpackd, may be of something else. */
export interface Aims {
  /** Of another program's time, by its name. */
  readonly of?: Readonly<Record<string, number>>;
  /** Its processor time without `cvmfs_server`, of that of `cvmfs_server` in the named program. */
  readonly processorOf?: Readonly<Record<string, number>>;
  /** Of its own time for an earlier job, by the name of that. */
  readonly ofJob?: Readonly<Record<string, number>>;
}

/** The rows of `job` with a note on each aim; memory has one in every job. */
export function noted(rows: readonly Row[], job: string, aims: Aims = {}): Row[] {
  const ofJob = rows.filter((row) => row.job === job);
  const [ours] = ofJob;
  return ofJob.map((row) => {
    const notes =
      ours === undefined || row === ours ? ownNotes(row, rows, aims) : otherNotes(ours, row, aims);
    return notes.length === 0 ? row : { ...row, note: notes.join('; ') };
  });
}

/** Text on a figure that has an aim. */
export function aimNote(figure: string, value: number, most: number): string {
  return `${figure} ${value.toFixed(2)}, aim ${most}${value <= most ? '' : ': MISSED'}`;
}

function ownNotes(row: Row, rows: readonly Row[], { ofJob = {} }: Aims): string[] {
  const peakBytes = row.runs.reduce((most, run) => Math.max(most, run.peakBytes), 0);
  const memory =
    peakBytes <= MOST_MEMORY_BYTES ? [] : [aimNote('MB', peakBytes / 1e6, MOST_MEMORY_BYTES / 1e6)];
  const earlier = Object.entries(ofJob).flatMap(([job, most]) => {
    const before = rows.find((one) => one.job === job && one.program === row.program);
    return before === undefined ? [] : [aimNote(`against "${job}"`, medianRatio(row, before), most)];
  });
  return [...memory, ...earlier];
}

function otherNotes(ours: Row, row: Row, { of = {}, processorOf = {} }: Aims): string[] {
  const [time, processor] = [of[row.program], processorOf[row.program]];
  const own = ({ processorSeconds }: Measurement): number => processorSeconds;
  const server = ({ serverProcessorSeconds }: Measurement): number => serverProcessorSeconds;
  return [
    ...(time === undefined ? [] : [aimNote('time', medianRatio(ours, row), time)]),
    ...(processor === undefined
      ? []
      : [aimNote('CPU of its server CPU', medianRatio(ours, row, [own, server]), processor)]),
  ];
}
