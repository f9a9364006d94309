import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { hasCode } from '../../core/system-error.ts';
import { findProgram } from '../support/programs.ts';
import { parseUsage } from './process-tree.ts';

/** Commands that end a transaction by publishing it. */
const PUBLISHING = new Set(['ingest', 'publish']);

/** What the calls of `cvmfs_server` came to. */
export interface ServerUsage {
  readonly transactions: number;
  readonly processorSeconds: number;
}

/**
 * A `cvmfs_server` in front of the real one on the PATH, which notes each call with its processor time, and keeps what it
 * is to ingest where that is asked for.
 */
export class ServerCalls {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    const real = findProgram('cvmfs_server');
    mkdirSync(this.#bin, { recursive: true });
    if (real !== undefined)
      writeFileSync(join(this.#bin, 'cvmfs_server'), script(real, this.#calls), { mode: 0o755 });
  }

  /** @param record keep each stream that is ingested in `RECORD`, and the words of its command in `RECORD.words` */
  environment(record = ''): Record<string, string> {
    const path = [this.#bin, process.env['PATH'] ?? ''].join(delimiter);
    return { PATH: path, BENCH_RECORD: record };
  }

  /** What was called since the last time that somebody asked. */
  take(): ServerUsage {
    const calls = this.#read().split('\n').slice(0, -1);
    rmSync(this.#calls, { force: true });
    const usages = calls.map((line) => parseUsage(line.slice(line.indexOf(' ') + 1)));
    return {
      transactions: calls.filter((line) => PUBLISHING.has(line.split(' ')[0] ?? '')).length,
      processorSeconds: usages.reduce((sum, { childrenSeconds }) => sum + childrenSeconds, 0),
    };
  }

  #read(): string {
    try {
      return readFileSync(this.#calls, 'utf8');
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return '';
      throw error;
    }
  }

  get #bin(): string {
    return join(this.#folder, 'bin');
  }

  get #calls(): string {
    return join(this.#folder, 'calls');
  }
}

function script(real: string, calls: string): string {
  return `#!/bin/bash
if [ "$1" = ingest ] && [ -n "$BENCH_RECORD" ]; then
  printf '%s\\0' "$@" >"$BENCH_RECORD.words"
  tee "$BENCH_RECORD" | '${real}' "$@"
  status=\${PIPESTATUS[1]}
else
  '${real}' "$@"
  status=$?
fi
read -r usage </proc/$$/stat
echo "$1 $usage" >>'${calls}'
exit "$status"
`;
}
