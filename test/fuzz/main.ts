import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { writeSeeds } from './seeds.ts';
import type { Report, Task } from './task.ts';
import { fuzzWholeRuns, runFindings } from './whole-run/loop.ts';

/**
 * A fuzzer for the reading of layers and the merging of trees, guided by the coverage that V8 tells. Jazzer.js would do
 * it as well, but its binaries need glibc 2.38, which the systems that we support do not have. The target "whole-run"
 * runs the whole program instead, with random images, registries and wishes beside a good image (`whole-run/`).
 *
 * What it learns stays in `dist/fuzz/corpus`, so that the next run goes on; inputs that broke an invariant are in
 * `dist/fuzz/findings`.
 */

const TARGETS = ['layer', 'stack', 'two-bases', 'whole-run'] as const;
type Target = (typeof TARGETS)[number];
const LONGEST_INPUT_MS = 60_000;
const MOST_INPUT_BYTES = 256 * 1024;
const MOST_RSS_BYTES = 2 * 1024 ** 3;

const dist = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const { values, positionals: inputs } = parseArgs({
  options: {
    /** How long, all targets together. */
    seconds: { type: 'string', default: '600' },
    minutes: { type: 'string' },
    /** Of the random numbers; another one each time by default. */
    seed: { type: 'string' },
    /** One of TARGETS; one after the other by default. */
    target: { type: 'string' },
  },
  /** Run once each, such as findings, in place of fuzzing. */
  allowPositionals: true,
});
const seed = values.seed === undefined ? Date.now() % 2 ** 31 : whole(values.seed);
const totalMs = 1000 * (values.minutes === undefined ? whole(values.seconds) : whole(values.minutes) * 60);
const targets = TARGETS.filter((name) => values.target === undefined || name === values.target);
if (targets.length === 0) throw new Error(`the target is one of ${TARGETS.join(', ')}`);
// Memory can only be judged after a collection.
setFlagsFromString('--expose-gc');

for (const name of targets) {
  if (inputs.length > 0) await runOnce(name, inputs);
  else if (!(await fuzz(name, totalMs / targets.length))) process.exitCode = 1;
}

async function runOnce(name: Target, inputs: readonly string[]): Promise<void> {
  if (name === 'whole-run') {
    if (!(await runFindings(inputs, print))) process.exitCode = 1;
    return;
  }
  const module = (await import(pathToFileURL(targetPath(name)).href)) as {
    fuzz: (data: Buffer) => Promise<void>;
  };
  for (const input of inputs) await module.fuzz(readFileSync(input));
}

/** @returns whether nothing was found */
async function fuzz(name: Target, durationMs: number): Promise<boolean> {
  const [corpus, seeds, findings] = ['corpus', 'seeds', 'findings'].map((kind) => {
    const folder = join(dist, 'fuzz', kind, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  }) as [string, string, string];
  if (name === 'layer') await writeSeeds(seeds);
  print(`${name}: ${durationMs / 1000} s, seed ${seed}`);
  if (name === 'whole-run') return await fuzzWholeRuns({ seed, durationMs, findings, print });
  const current = new SharedArrayBuffer(4 + MOST_INPUT_BYTES);
  const task: Task = { target: targetPath(name), corpus, seeds, findings, seed, durationMs, current };
  return await watch(new Worker(new URL('worker.js', import.meta.url), { workerData: task }), task);
}

/** Prints what the thread reports, and ends it where one input does not end, or memory grows. */
async function watch(worker: Worker, { current, findings }: Task): Promise<boolean> {
  let isClean = true;
  let last = { input: Buffer.alloc(0), since: Date.now() };
  const stop = (reason: string): void => {
    const path = join(findings, `${reason}-${Date.now()}`);
    writeFileSync(path, last.input);
    print(`finding: ${reason}: ${path}`);
    isClean = false;
    void worker.terminate();
  };
  const timer = setInterval(() => {
    const length = Atomics.load(new Int32Array(current, 0, 1), 0);
    const input = Buffer.from(new Uint8Array(current, 4, length));
    if (!input.equals(last.input)) last = { input, since: Date.now() };
    if (Date.now() - last.since > LONGEST_INPUT_MS) stop('hang');
    else if (process.memoryUsage().rss > MOST_RSS_BYTES) stop('memory');
  }, 1000);
  worker.on('message', (report: Report) => {
    if (report.type === 'finding') isClean = false;
    print(lineOf(report));
  });
  try {
    await new Promise<void>((resolve, reject) => {
      worker.once('error', reject);
      worker.once('exit', () => resolve());
    });
  } finally {
    clearInterval(timer);
  }
  return isClean;
}

function lineOf(report: Report): string {
  if (report.type === 'finding') return `finding: ${report.path}\n${report.text}`;
  const { executions, inputs, parts, rssBytes, heapBytes } = report;
  const [rss, heap] = [rssBytes, heapBytes].map((bytes) => Math.round(bytes / 1e6));
  return `${executions} inputs run, ${inputs} kept, ${parts} parts of the program, ${rss} MB (heap ${heap} MB)`;
}

function targetPath(name: string): string {
  return join(dist, `test/fuzz/${name}-target.js`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${text} is not a whole number`);
  return Number(text);
}
