import { readdirSync, readFileSync } from 'node:fs';
import { hasCode } from '../../core/system-error.ts';

/** `sysconf(_SC_CLK_TCK)` of every Linux. */
const TICKS_PER_SECOND = 100;
const SAMPLE_MS = 50;

/** What a process, and the ended children that it waited for, have taken so far. */
export interface Usage {
  /** User and system time. */
  readonly processorSeconds: number;
  readonly childrenSeconds: number;
  /** Of all reads and writes, also of pipes, sockets and what the system keeps in memory. */
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly diskReadBytes: number;
  readonly diskWrittenBytes: number;
}

export function usageOf(pid: number): Usage {
  const [stat, io] = ['stat', 'io'].map((name) => readFileSync(`/proc/${pid}/${name}`, 'utf8'));
  return parseUsage(`${stat}${io}`);
}

/** Reads `/proc/PID/stat`, with `/proc/PID/io` behind it where it is there. @see proc(5) */
export function parseUsage(text: string): Usage {
  const [stat = '', ...io] = text.split('\n');
  // The name of the program is in parentheses, and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const seconds = (first: number): number =>
    (Number(fields[first]) + Number(fields[first + 1])) / TICKS_PER_SECOND;
  const bytes = (key: string): number =>
    Number(io.find((line) => line.startsWith(`${key}:`))?.split(' ')[1] ?? 0);
  return {
    processorSeconds: seconds(11),
    childrenSeconds: seconds(13),
    readBytes: bytes('rchar'),
    writtenBytes: bytes('wchar'),
    diskReadBytes: bytes('read_bytes'),
    diskWrittenBytes: bytes('write_bytes'),
  };
}

export function differenceOf(after: Usage, before: Usage): Usage {
  return {
    processorSeconds: after.processorSeconds - before.processorSeconds,
    childrenSeconds: after.childrenSeconds - before.childrenSeconds,
    readBytes: after.readBytes - before.readBytes,
    writtenBytes: after.writtenBytes - before.writtenBytes,
    diskReadBytes: after.diskReadBytes - before.diskReadBytes,
    diskWrittenBytes: after.diskWrittenBytes - before.diskWrittenBytes,
  };
}

/** Largest resident memory of a process with its descendants, without those of `cvmfs_server`, and of those alone. */
export interface MemoryPeak {
  readonly ownBytes: number;
  readonly serverBytes: number;
}

/** Samples the memory of the process `pid` and its descendants until it is stopped. */
export function watchMemory(pid: number): () => MemoryPeak {
  let peak: MemoryPeak = { ownBytes: 0, serverBytes: 0 };
  const sample = (): void => {
    const { ownBytes, serverBytes } = memoryBelow(pid);
    peak = {
      ownBytes: Math.max(peak.ownBytes, ownBytes),
      serverBytes: Math.max(peak.serverBytes, serverBytes),
    };
  };
  sample();
  const timer = setInterval(sample, SAMPLE_MS);
  return () => {
    clearInterval(timer);
    return peak;
  };
}

/** A process alone counts with its own peak, however short: that of several at once is seen only when it is sampled. */
function memoryBelow(pid: number): MemoryPeak {
  const open = [{ pid, isServer: false }];
  const held = { own: 0, server: 0 };
  const highest = { own: 0, server: 0 };
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const found = statusOf(next.pid);
    if (found === undefined) continue;
    const isServer = next.isServer || found.name === 'cvmfs_server';
    const side = isServer ? 'server' : 'own';
    held[side] += found.residentBytes;
    highest[side] = Math.max(highest[side], found.peakBytes);
    for (const child of childrenOf(next.pid)) open.push({ pid: child, isServer });
  }
  return {
    ownBytes: Math.max(held.own, highest.own),
    serverBytes: Math.max(held.server, highest.server),
  };
}

function statusOf(pid: number): { name: string; residentBytes: number; peakBytes: number } | undefined {
  const status = readIfThere(`/proc/${pid}/status`);
  if (status === undefined) return undefined;
  const kilobytes = (key: string): number =>
    Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
  return {
    name: /^Name:\s+(.*)$/m.exec(status)?.[1] ?? '',
    residentBytes: kilobytes('VmRSS') * 1024,
    peakBytes: kilobytes('VmHWM') * 1024,
  };
}

function childrenOf(pid: number): number[] {
  const tasks = ifThere(() => readdirSync(`/proc/${pid}/task`)) ?? [];
  return tasks.flatMap((task) =>
    (readIfThere(`/proc/${pid}/task/${task}/children`) ?? '')
      .split(' ')
      .filter((word) => word !== '')
      .map(Number),
  );
}

function readIfThere(path: string): string | undefined {
  return ifThere(() => readFileSync(path, 'utf8'));
}

/** Processes end at any time. */
function ifThere<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ESRCH')) return undefined;
    throw error;
  }
}
