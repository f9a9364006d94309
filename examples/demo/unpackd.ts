import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Stage } from './stage.ts';

/** One line of what `unpackd convert` prints. */
export interface Outcome {
  readonly outcome: 'published' | 'unchanged' | 'failed';
  readonly image: string;
}

/** The compiled command line, seen from this compiled file. */
const MAIN = join(dirname(fileURLToPath(import.meta.url)), '../../daemon/cli/main.js');

/**
 * Runs `unpackd` with `words` in the folder above the stage's, shows what it prints, and answers that.
 *
 * @throws Error where it does not end with exit status 0
 */
export async function convert(words: readonly string[], stage: Stage): Promise<Outcome[]> {
  const child = spawn(process.execPath, [MAIN, ...words], {
    cwd: dirname(stage.folder),
    env: environment(),
    stdio: ['ignore', 'pipe', stage.progress],
    signal: stage.signal,
  });
  // An abort is an error too, but the process has ended only when it is closed.
  child.on('error', () => undefined);
  const closed = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once('close', (status, signal) => resolve(signal ?? status));
  });
  const [printed, end] = await Promise.all([text(child.stdout), closed]);
  stage.signal.throwIfAborted();
  const lines = printed.split('\n').filter((line) => line !== '');
  for (const line of lines) stage.say(`  ${line}`);
  if (end !== 0) throw new Error(`unpackd ended with ${String(end)}`);
  return lines.map(outcomeOf);
}

/** What this machine sets for its own repositories must not change the demo, nor its configuration file. */
function environment(): NodeJS.ProcessEnv {
  const own = /^(?:UNPACKD|DUCC)_/;
  const kept = Object.entries(process.env).filter(([name]) => !own.test(name));
  return { ...Object.fromEntries(kept), UNPACKD_CONFIG: '/dev/null' };
}

function outcomeOf(line: string): Outcome {
  const [outcome, image = ''] = line.split(/\s+/);
  if (outcome === 'published' || outcome === 'unchanged' || outcome === 'failed') return { outcome, image };
  throw new Error(`unpackd printed ${JSON.stringify(line)}, which is no result`);
}
