import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { killIfThere } from '../../../core/system/run-program.ts';
import type { Running } from './unpackd.ts';

/** Kills a run and every process that it started. */
export function killAll({ child }: Running): void {
  assert.ok(child.pid !== undefined);
  for (const pid of [child.pid, ...descendantsOf(child.pid)]) killIfThere(pid, 'SIGKILL');
}

function descendantsOf(parent: number): number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && parentOf(name) === parent)
    .map(Number);
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

function parentOf(pid: string): number | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '');
    return Number(fields.split(' ')[1]);
  } catch (error) {
    if (error instanceof Error && 'code' in error && ['ENOENT', 'ESRCH'].includes(String(error.code)))
      return undefined;
    throw error;
  }
}
