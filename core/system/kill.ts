import { hasCode } from '../system-error.ts';

/** Sends a signal to a process, or to a process group (a negative number), unless it has ended. */
export function killIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error;
  }
}
