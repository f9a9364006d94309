import { readFileSync, renameSync, writeFileSync } from 'node:fs';

import { Died, hasCode } from './died.ts';
import type { Layout } from './layout.ts';

/**
 * Where a command can meet a fault, in this order:
 * - `open`: the transaction opens (for `fail` nothing has changed, for `hang` and `kill` its flag is set already);
 * - `holders`: `ingest` finds a process that holds `/cvmfs/NAME`, asks its standard input, and gives up with the
 *   transaction open;
 * - `read`: `entries` entries of the tar stream have been read (`ingest` only);
 * - `commit`: everything is written, nothing is published;
 * - `sweep`: what is to be freed is known, and nothing is freed (`gc` only);
 * - `remount`: the new revision is published, the view is an empty directory, and both locks are there;
 * - `close`: the view shows the new revision and both locks are there.
 */
export type FaultPoint = 'open' | 'holders' | 'read' | 'commit' | 'sweep' | 'remount' | 'close';

interface Occasion {
  /** For `read`. */
  readonly entries?: number;
  /** For `read`: only in an archive with an entry whose path has this, and when that is read. */
  readonly of?: string;
  /** How many commands meet it; without it, all of them until another `inject`. */
  readonly times?: number;
}

export type Fault = Occasion &
  (
    | {
        readonly action: 'fail';
        readonly at: 'open' | 'holders' | 'read' | 'commit' | 'sweep';
        /** What it says. */
        readonly words?: string;
      }
    /** It stays for ever. At `remount`, an abort hangs in the same way, as long as the cause is there. */
    | { readonly action: 'hang'; readonly at: FaultPoint }
    /** It dies of SIGKILL. */
    | { readonly action: 'kill'; readonly at: FaultPoint }
  );

/** The ones that tests ask for most. */
export const faults = {
  open: { action: 'fail', at: 'open' },
  holders: { action: 'fail', at: 'holders' },
  ingest: { action: 'fail', at: 'read', entries: 1 },
  'no-room': {
    action: 'fail',
    at: 'read',
    entries: 1,
    words: 'failed to upload (28 - No space left on device)',
  },
  publish: { action: 'fail', at: 'commit' },
  gc: { action: 'fail', at: 'sweep' },
  'hang-read': { action: 'hang', at: 'read', entries: 1 },
  'hang-remount': { action: 'hang', at: 'remount' },
} as const satisfies Record<string, Fault>;

export function writeFault(layout: Layout, fault: Fault | undefined): void {
  // A command that runs may read it meanwhile.
  const draft = `${layout.control}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(fault ?? null));
  renameSync(draft, layout.control);
}

/** @throws Died where a `fail` is due at `point`. */
export function failAt(layout: Layout, point: FaultPoint, read: Read = NOTHING_READ): void {
  const fault = readFault(layout);
  const words = fault?.action === 'fail' ? fault.words : undefined;
  if (meets(layout, 'fail', point, read)) throw new Died(words ?? `injected failure at ${point}`);
}

/** Dies or hangs where that is due at `point`. */
export async function stopAt(layout: Layout, point: FaultPoint, read: Read = NOTHING_READ): Promise<void> {
  if (meets(layout, 'kill', point, read)) process.kill(process.pid, 'SIGKILL');
  await hangAt(layout, point, read);
}

export async function hangAt(layout: Layout, point: FaultPoint, read: Read = NOTHING_READ): Promise<void> {
  if (!meets(layout, 'hang', point, read)) return;
  await new Promise(() => {
    setInterval(() => undefined, 2 ** 31 - 1);
  });
}

/** How far an archive has been read. */
interface Read {
  readonly entries: number;
  /** Of the last entry. */
  readonly path: string;
}

const NOTHING_READ: Read = { entries: 0, path: '' };

function meets(layout: Layout, action: Fault['action'], point: FaultPoint, { entries, path }: Read): boolean {
  const fault = readFault(layout);
  if (fault?.action !== action || fault.at !== point || (fault.entries ?? 0) > entries) return false;
  if (fault.of !== undefined && !path.includes(fault.of)) return false;
  if (fault.times !== undefined) {
    writeFault(layout, fault.times > 1 ? { ...fault, times: fault.times - 1 } : undefined);
  }
  return true;
}

function readFault(layout: Layout): Fault | undefined {
  try {
    const fault: Fault | null = JSON.parse(readFileSync(layout.control, 'utf8'));
    return fault ?? undefined;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
