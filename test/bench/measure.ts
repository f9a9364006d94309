import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { differenceOf, parseUsage, usageOf, watchMemory, type Usage } from './process-tree.ts';
import { ServerCalls } from './server-calls.ts';

/** What one piece of work took. Of processes, all descendants count that were waited for. */
export interface Measurement {
  readonly seconds: number;
  /** Time that `sync` took afterwards: until then a power failure may undo some of the work. */
  readonly syncSeconds: number;
  /** User and system time, without that of `cvmfs_server`. */
  readonly processorSeconds: number;
  readonly serverProcessorSeconds: number;
  /** Largest resident memory of all processes together, without those of `cvmfs_server`. */
  readonly peakBytes: number;
  readonly serverPeakBytes: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly diskReadBytes: number;
  readonly diskWrittenBytes: number;
  readonly transactions: number;
  /** Time for which `cvmfs_server` had nothing to read; only unpackd says it. */
  readonly inputWaitSeconds?: number;
  /** Size of the archive that was ingested; only where it lay ready. */
  readonly streamBytes?: number;
}

export interface Command {
  readonly words: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export interface MeasuredRun {
  readonly measurement: Measurement;
  readonly stdout: string;
}

const OUTPUT_SHOWN = 4000;
/** Notes what the command took, once it has been waited for. */
const LAUNCHER = '"$@"; status=$?; cat /proc/$$/stat /proc/$$/io >"$0"; exit "$status"';

/** Measures commands, and spans of processes that go on, one at a time. */
export class Gauge {
  readonly #folder: string;
  readonly #calls: ServerCalls;

  /** @param folder for its own files */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#folder = folder;
    this.#calls = new ServerCalls(folder);
  }

  /** Environment in which calls of `cvmfs_server` are noted, and recorded in `record` where it is given. */
  environment(record?: string): Record<string, string> {
    return this.#calls.environment(record);
  }

  /** Runs a program to its end, on disks that have nothing left to write. @throws Error with its output where it fails */
  async run({ words, environment = {} }: Command): Promise<MeasuredRun> {
    const usageFile = join(this.#folder, 'usage');
    const start = this.#start();
    const child = spawn('sh', ['-c', LAUNCHER, usageFile, ...words], {
      env: { ...process.env, ...this.environment(), ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const memory = watchMemory(child.pid ?? 0);
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject).once('close', resolve);
    });
    const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    const peak = memory();
    if (status !== 0) {
      const output = `${stdout}${stderr}`.slice(-OUTPUT_SHOWN);
      throw new Error(`${words.join(' ')} failed (exit ${status}):\n${output}`);
    }
    const measurement = start.end(parseUsage(readFileSync(usageFile, 'utf8')), peak);
    return { measurement, stdout };
  }

  /** Measures what the running process `pid` does during `work`. */
  async during(pid: number, work: () => Promise<void>): Promise<Measurement> {
    const start = this.#start();
    const before = usageOf(pid);
    const memory = watchMemory(pid);
    try {
      await work();
    } finally {
      memory();
    }
    return start.end(differenceOf(usageOf(pid), before), memory());
  }

  #start(): { end: (usage: Usage, peak: ReturnType<ReturnType<typeof watchMemory>>) => Measurement } {
    sync();
    this.#calls.take();
    const startedMs = performance.now();
    return {
      end: ({ processorSeconds, childrenSeconds, ...io }, { ownBytes, serverBytes }) => {
        const seconds = secondsSince(startedMs);
        const { transactions, processorSeconds: serverSeconds } = this.#calls.take();
        return {
          seconds,
          syncSeconds: sync(),
          processorSeconds: Math.max(0, processorSeconds + childrenSeconds - serverSeconds),
          serverProcessorSeconds: serverSeconds,
          peakBytes: ownBytes,
          serverPeakBytes: serverBytes,
          ...io,
          transactions,
        };
      },
    };
  }
}

/** The median of each figure, but the highest of those of memory. */
export function medianOf(measurements: readonly Measurement[]): Measurement {
  const figures = Object.keys(measurements[0] ?? {}) as (keyof Measurement)[];
  const pairs = figures.map((figure) => {
    const values = measurements.flatMap((measurement) => measurement[figure] ?? []);
    return [figure, figure.endsWith('eakBytes') ? highest(values) : median(values)];
  });
  return Object.fromEntries(pairs) as Measurement;
}

/** @throws Error where there are no values */
export function median(values: readonly number[]): number {
  const middle = [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
  if (middle === undefined) throw new Error('nothing was measured');
  return middle;
}

function highest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}

/** @returns how long it took, in seconds */
function sync(): number {
  const startedMs = performance.now();
  spawnSync('sync');
  return secondsSince(startedMs);
}

function secondsSince(startedMs: number): number {
  return (performance.now() - startedMs) / 1000;
}
