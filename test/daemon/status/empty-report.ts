import type { StatusReport } from '../../../daemon/status/report.ts';

/** The status of a state directory in which nothing has happened. */
export function emptyReport(nowMs: number): StatusReport {
  return {
    nowMs,
    daemon: 'not running',
    isDaemonExpected: false,
    troubles: [],
    allPausedSinceMs: undefined,
    sources: [],
    lines: [],
    unmatched: [],
    repositories: [],
    disk: undefined,
  };
}
