import { appendFileSync, readFileSync } from 'node:fs';

import { hasCode } from './died.ts';
import type { Layout } from './layout.ts';

export interface Call {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly repository: string | undefined;
  readonly revisionBefore: number | undefined;
  /** `undefined`, as `exitCode`, while the command runs and where it was killed. */
  readonly revisionAfter: number | undefined;
  readonly exitCode: number | undefined;
}

type Line =
  | {
      readonly id: string;
      readonly event: 'start';
      readonly command: string;
      readonly arguments: readonly string[];
      readonly repository?: string;
      readonly revision?: number;
    }
  | { readonly id: string; readonly event: 'end'; readonly exitCode: number; readonly revision?: number };

export function appendCall(layout: Layout, line: Line): void {
  appendFileSync(layout.calls, `${JSON.stringify(line)}\n`);
}

/** All calls in the order in which they began. */
export function readCalls(layout: Layout): Call[] {
  const calls = new Map<string, Call>();
  for (const line of readLines(layout)) {
    if (line.event === 'start') {
      calls.set(line.id, {
        command: line.command,
        arguments: line.arguments,
        repository: line.repository,
        revisionBefore: line.revision,
        revisionAfter: undefined,
        exitCode: undefined,
      });
      continue;
    }
    const call = calls.get(line.id);
    if (call === undefined) continue;
    calls.set(line.id, { ...call, revisionAfter: line.revision, exitCode: line.exitCode });
  }
  return [...calls.values()];
}

function readLines(layout: Layout): Line[] {
  try {
    return readFileSync(layout.calls, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line): Line => JSON.parse(line));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}
