import { shrink } from './shrink.ts';
import { Summary } from './summary.ts';
import { keepFinding, readFinding, WholeRuns, type Result } from './whole-run.ts';

export interface Task {
  /** Of the first run; the next ones have those that follow. */
  readonly seed: number;
  readonly durationMs: number;
  /** Folder of what was found. */
  readonly findings: string;
  readonly print: (line: string) => void;
}

const PROGRESS_MS = 10_000;

/** Makes one run after the other. @returns whether nothing was found */
export async function fuzzWholeRuns({ seed, durationMs, findings, print }: Task): Promise<boolean> {
  const endsAt = Date.now() + durationMs;
  const summary = new Summary();
  const runs = await WholeRuns.start();
  let toldAt = Date.now();
  try {
    for (let number = seed; number === seed || Date.now() < endsAt; number++) {
      const result = await runs.run(number);
      summary.add(result);
      if (result.violations.length > 0) await tell(runs, result, { findings, print });
      if (Date.now() - toldAt < PROGRESS_MS) continue;
      toldAt = Date.now();
      print(summary.line);
    }
  } finally {
    await runs.close();
  }
  print(summary.text);
  return summary.findings === 0;
}

/** Runs findings again, once each. @returns whether nothing was found any more */
export async function runFindings(paths: readonly string[], print: Task['print']): Promise<boolean> {
  const runs = await WholeRuns.start();
  let isClean = true;
  try {
    for (const path of paths) {
      const { seed, guests } = readFinding(path);
      const result = await runs.run(seed, guests);
      for (const line of linesOf(result)) print(line);
      print(result.seen.stderr);
      if (result.violations.length > 0) isClean = false;
    }
  } finally {
    await runs.close();
  }
  return isClean;
}

async function tell(
  runs: WholeRuns,
  result: Result,
  { findings, print }: Pick<Task, 'findings' | 'print'>,
): Promise<void> {
  // As it is first: shrinking takes its time.
  const path = keepFinding(findings, result);
  print(`finding: seed ${result.scenario.seed}: ${path}`);
  for (const line of linesOf(result)) print(`  ${line}`);
  const shrunk = await shrink(runs, result);
  if (shrunk === result) return;
  keepFinding(findings, shrunk);
  print(`  shrunk to ${shrunk.scenario.guests.length} of ${result.scenario.guests.length} guests`);
}

function linesOf({ scenario, guests, violations }: Result): string[] {
  return [
    ...violations.map(({ kind, text }) => `${kind}: ${text}`),
    `${scenario.command}, ${scenario.backend} ${scenario.words.join(' ')}`,
    ...guests.map(({ what }, index) => `guest ${scenario.guests[index]}: ${what}`),
  ];
}
