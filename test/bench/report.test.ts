import assert from 'node:assert/strict';
import { noted } from './aims.ts';
import { medianOf, type Measurement } from './measure.ts';
import { formatReport, reportDocument, type BenchReport } from './report.ts';
import type { Row } from './scenario.ts';

const NOTHING: Measurement = {
  seconds: 0,
  syncSeconds: 0,
  processorSeconds: 0,
  serverProcessorSeconds: 0,
  peakBytes: 0,
  serverPeakBytes: 0,
  readBytes: 0,
  writtenBytes: 0,
  diskReadBytes: 0,
  diskWrittenBytes: 0,
  transactions: 0,
};

function row(job: string, program: string, runs: readonly Partial<Measurement>[]): Row {
  return { job, program, runs: runs.map((run) => ({ ...NOTHING, ...run })) };
}

const OURS = row('cold', 'unpackd', [
  { seconds: 2, peakBytes: 250e6, processorSeconds: 1, transactions: 1, inputWaitSeconds: 0.25 },
  { seconds: 9, peakBytes: 260e6, processorSeconds: 1, transactions: 1, inputWaitSeconds: 0.5 },
  { seconds: 3, peakBytes: 240e6, processorSeconds: 1, transactions: 1, inputWaitSeconds: 0.75 },
]);
const INGEST = row('cold', 'ingest', [
  { seconds: 1, serverProcessorSeconds: 4, streamBytes: 5e6 },
  { seconds: 6, serverProcessorSeconds: 4, streamBytes: 5e6 },
  { seconds: 3, serverProcessorSeconds: 4, streamBytes: 5e6 },
]);
const LATER = row('later', 'unpackd', [{ seconds: 1 }, { seconds: 3 }, { seconds: 1.5 }]);

function report(rows: readonly Row[], more: Partial<BenchReport> = {}): BenchReport {
  return { machine: { processors: 2 }, runs: 3, scale: 1, rows, omissions: [], ...more };
}

/** The cells of the table's line `number`, the title being 0, by the title of their columns. */
function cells(text: string, number: number): Record<string, string> {
  const lines = text
    .split('\n')
    .map((line) => line.split(' | ').map((cell) => cell.replaceAll('|', '').trim()));
  const values = lines[number === 0 ? 0 : number + 1] ?? [];
  return Object.fromEntries((lines[0] ?? []).map((title, index) => [title, values[index] ?? '']));
}

describe('bench/report', () => {
  it('has medians of each figure, but the highest of those of memory', () => {
    const { seconds, inputWaitSeconds, peakBytes, transactions } = medianOf(OURS.runs);
    assert.deepEqual([seconds, inputWaitSeconds, peakBytes, transactions], [3, 0.5, 260e6, 1]);
  });

  it('has the programs of a job together, with the median of the ratios of each pair', () => {
    const text = formatReport(report([OURS, LATER, INGEST]));
    const [ours, ingest, later] = [1, 2, 3].map((number) => cells(text, number));
    assert.deepEqual(
      [ours?.['job'], ours?.['program'], ours?.['time'], ours?.['ratio']],
      ['cold', 'unpackd', '3.00 s', ''],
    );
    assert.deepEqual(
      [ours?.['memory'], ours?.['transactions'], ours?.['pipe empty']],
      ['260 MB', '1', '0.50 s'],
    );
    assert.deepEqual(
      [ingest?.['program'], ingest?.['ratio'], ingest?.['server CPU']],
      ['ingest', '1.50', '4.00 s'],
    );
    assert.equal(ingest?.['notes'], 'archive of 5 MB');
    assert.equal(later?.['job'], 'later');
  });

  it('says what was left out, and that aims count at full size alone', () => {
    const omissions = [{ what: 'DUCC', why: 'cvmfs_ducc is not installed' }];
    const text = formatReport(report([OURS], { omissions, scale: 0.5 }));
    assert.match(text, /^left out: DUCC: cvmfs_ducc is not installed$/m);
    assert.match(text, /^images of 0\.5 times their size: aims do not count$/m);
  });

  it('has every run, the median and the ratio in its document', () => {
    const document = JSON.parse(JSON.stringify(reportDocument(report([OURS, INGEST]))));
    assert.deepEqual(document.machine, { processors: 2 });
    const [ours, ingest] = document.rows;
    assert.deepEqual([ours.runs.length, ours.median.seconds, 'ratio' in ours], [3, 3, false]);
    assert.deepEqual([ingest.program, ingest.ratio, ingest.runs[0].streamBytes], ['ingest', 1.5, 5e6]);
  });

  it('notes aims, and which of them are missed', () => {
    const aims = { of: { ingest: 1.25 }, processorOf: { ingest: 0.3 } };
    const [ours, ingest] = noted([OURS, INGEST, LATER], 'cold', aims);
    assert.equal(ours?.note, undefined);
    assert.equal(ingest?.note, 'time 1.50, aim 1.25: MISSED; CPU of its server CPU 0.25, aim 0.3');
    const [later] = noted([OURS, INGEST, LATER], 'later', { ofJob: { cold: 0.5 } });
    assert.equal(later?.note, 'against "cold" 0.50, aim 0.5');
    const [large] = noted([row('cold', 'unpackd', [{ peakBytes: 301e6 }])], 'cold');
    assert.equal(large?.note, 'MB 301.00, aim 300: MISSED');
  });
});
