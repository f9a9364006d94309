import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The module that notes beats; it is only ever loaded by a process under test. */
export const BEATS = fileURLToPath(new URL('beats.js', import.meta.url));

/** The longest time between two beats of a process that had ended by `endMs`, in milliseconds. */
export function longestSilence(path: string, endMs: number): number {
  const [longestMs = '', lastMs = ''] = readFileSync(path, 'latin1').trim().split(' ');
  return Math.max(Number(longestMs), endMs - Number(lastMs));
}
