import { mkdtempSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../core/failure.ts';
import { CvmfsRepository, noReleaseManager } from './contenders/cvmfs-repository.ts';
import { Gauge } from './measure.ts';
import type { BenchOptions } from './options.ts';
import type { BenchReport, Omission } from './report.ts';
import type { Bench, Row } from './scenario.ts';
import { SCENARIOS } from './scenarios/scenarios.ts';
import { removeAll } from './remove-all.ts';

/**
 * Runs the scenarios that `options` names. What cannot be measured here, or fails, is in the report, and ends nothing else.
 *
 * @param tell gets lines on how far it is
 */
export async function runBench(
  options: BenchOptions,
  tell: (line: string) => void,
): Promise<BenchReport & { readonly hasFailed: boolean }> {
  const { runs, scale } = options;
  const folder = mkdtempSync(join(options.folder, 'bench-'));
  const omissions: Omission[] = [];
  const leaveOut = (what: string, why: string): void => {
    tell(`left out: ${what}: ${why}`);
    omissions.push({ what, why });
  };
  const bench: Bench = {
    ...options,
    folder,
    gauge: new Gauge(join(folder, 'gauge')),
    backends: usable(options, leaveOut),
    scaled: (count) => Math.max(1, Math.round(count * scale)),
    leaveOut,
  };
  const rows: Row[] = [];
  let hasFailed = false;
  try {
    if (bench.backends.includes('cvmfs')) await CvmfsRepository.removeLeftovers();
    for (const { name, run } of SCENARIOS.filter((one) => options.scenarios.includes(one.name))) {
      tell(name);
      try {
        rows.push(...(await run(bench)));
      } catch (error) {
        hasFailed = true;
        leaveOut(name, messageOf(error));
      }
    }
  } finally {
    removeAll(folder);
  }
  return { machine: machineOf(), runs, scale, rows, omissions, hasFailed };
}

function usable({ backends }: BenchOptions, leaveOut: Bench['leaveOut']): Bench['backends'] {
  const missing = noReleaseManager();
  if (missing === undefined || !backends.includes('cvmfs')) return backends;
  leaveOut('backend cvmfs', missing);
  return backends.filter((backend) => backend !== 'cvmfs');
}

function machineOf(): BenchReport['machine'] {
  const [cpu] = cpus();
  return {
    processor: cpu?.model ?? 'unknown',
    processors: cpus().length,
    memoryBytes: totalmem(),
    linux: release(),
    node: process.version,
  };
}
