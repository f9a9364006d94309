import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { randomOf } from '../publisher/tree/random-stacks.ts';
import { Coverage } from './coverage.ts';
import { mutate } from './mutate.ts';
import type { Report, Task } from './task.ts';

const { target, corpus, seeds, findings, seed, durationMs, current } = workerData as Task;
const { fuzz } = (await import(target)) as { fuzz: (data: Buffer) => Promise<void> };
/** To ask for the coverage takes about as long as to run an input. */
const BATCH = 16;

const random = randomOf(seed);
const coverage = new Coverage((url) => url.includes('/dist/publisher/') || url.includes('/fzstd/'));
const shared = new Uint8Array(current);
const length = new Int32Array(current, 0, 1);
/** Each taught the fuzzer something when it came. */
const inputs: Buffer[] = [];
const found = new Set<string>();
let executions = 0;

for (const input of inputsIn(corpus, seeds)) if (await teaches(input)) inputs.push(input);
inputs.push(Buffer.alloc(1024));
const endsAt = Date.now() + durationMs;
let reportedAt = Date.now();
while (Date.now() < endsAt) {
  const batch = Array.from({ length: BATCH }, () =>
    mutate(random, chosen(), inputs[random(inputs.length)] ?? Buffer.alloc(0)),
  );
  for (const input of batch) await run(input);
  if (coverage.takeOfSeveral()) {
    for (const input of batch) {
      if (!(await teaches(input))) continue;
      inputs.push(input);
      writeFileSync(join(corpus, nameOf(input)), input);
    }
  }
  if (Date.now() - reportedAt < 10_000) continue;
  reportedAt = Date.now();
  report();
}
report();
coverage.close();

/** Whether the input runs some part of the program that none before it has run. */
async function teaches(input: Buffer): Promise<boolean> {
  await run(input);
  return coverage.take() > 0;
}

async function run(input: Buffer): Promise<void> {
  shared.set(input, 4);
  Atomics.store(length, 0, input.length);
  try {
    await fuzz(input);
  } catch (error) {
    keep(input, error);
  }
  executions++;
}

/** Every kind of finding once: as it is, with what was thrown beside it. */
function keep(input: Buffer, error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const kind =
    text
      .split('\n')
      .filter((line) => line.includes(' at '))
      .slice(0, 3)
      .join('\n') || text.slice(0, 60);
  if (found.has(kind)) return;
  found.add(kind);
  const path = join(findings, nameOf(input));
  mkdirSync(findings, { recursive: true });
  writeFileSync(path, input);
  writeFileSync(`${path}.txt`, text);
  parentPort?.postMessage({ type: 'finding', path, text } satisfies Report, []);
}

/** The newer half has what is understood least. */
function chosen(): Buffer {
  const from = random(2) === 0 ? 0 : Math.floor(inputs.length / 2);
  return inputs[from + random(inputs.length - from)] ?? Buffer.alloc(0);
}

function report(): void {
  const { rss, heapUsed } = process.memoryUsage();
  const facts = {
    executions,
    inputs: inputs.length,
    parts: coverage.size,
    rssBytes: rss,
    heapBytes: heapUsed,
  };
  parentPort?.postMessage({ type: 'progress', ...facts } satisfies Report, []);
}

function inputsIn(...folders: readonly string[]): Buffer[] {
  return folders.flatMap((folder) =>
    readdirSync(folder)
      .sort()
      .map((name) => readFileSync(join(folder, name))),
  );
}

function nameOf(input: Buffer): string {
  return createHash('sha256').update(input).digest('hex').slice(0, 32);
}
