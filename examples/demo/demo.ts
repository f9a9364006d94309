import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tellStory } from './story.ts';

/*
 * The main program of `npm run demo`: publishes images into ./demo of the project, and checks and shows what became
 * visible. It ends with 0 only where everything was as it should be.
 */

/** Compiled, this file lies three folders below the project's. */
const project = join(dirname(fileURLToPath(import.meta.url)), '../../..');

const interrupt = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => interrupt.abort(new Error(`interrupted by ${name}`)));
}

try {
  const folder = join(project, 'demo');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  await tellStory({ folder, say, signal: interrupt.signal, progress: 'inherit' });
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(`The demo failed: ${reason}\n`);
  process.exitCode = interrupt.signal.aborted ? 130 : 1;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
