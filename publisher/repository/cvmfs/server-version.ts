import { execFile } from 'node:child_process';

/** A release of CernVM-FS, as far as it tells what the server can do. */
export interface ServerVersion {
  readonly major: number;
  readonly minor: number;
}

const LONGEST_MS = 30_000;
const TITLE = /^CernVM-FS Server Tool v?(\d+)\.(\d+)/m;

/**
 * Which release `command` is of; `undefined` where it does not tell. No release has an option for it, but each says it at
 * the head of its usage, which it prints for what it does not know.
 *
 * @see cvmfs/cvmfs, cvmfs/server/cvmfs_server_util.sh, `usage`
 */
export async function readServerVersion(command: string): Promise<ServerVersion | undefined> {
  const [, major, minor] = TITLE.exec(await usageOf(command)) ?? [];
  return major === undefined ? undefined : { major: Number(major), minor: Number(minor) };
}

export function isSince(version: ServerVersion | undefined, major: number, minor: number): boolean {
  if (version === undefined) return false;
  return version.major > major || (version.major === major && version.minor >= minor);
}

/** Nothing where it cannot be started: whoever is about to publish with it says that. */
async function usageOf(command: string): Promise<string> {
  return await new Promise((resolve) => {
    const options = { cwd: '/', timeout: LONGEST_MS, killSignal: 'SIGKILL' } as const;
    const child = execFile(command, ['--version'], options, (_, output) => resolve(output));
    child.stdin?.end();
  });
}
