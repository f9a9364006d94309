import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import { DEFAULT_CONFIGURATION_FILE, SERVICE_STATE_DIRECTORY } from './options.ts';
import type { Environment } from './options.ts';

/** All that a configuration is read from. */
export interface Sources {
  /** Options of the command line, by key, values as written (`true` and `false` for those that take none). */
  readonly flags: Readonly<Record<string, string>>;
  readonly environment: Environment;
  /** What the result depends on beside the sources; by default this machine and user. */
  readonly machine?: Machine;
}

export interface Machine {
  readonly home: string;
  readonly superuser: boolean;
  /** Whose podman keeps log-ins in `/run/containers`. */
  readonly userId?: number;
  /** Whether the service's state directory belongs to this user: it runs the service. */
  readonly ownsServiceState?: boolean;
  readonly workingDirectory: string;
  /** Read where it exists and none was named. */
  readonly configurationFile: string;
}

export function thisMachine(environment: Environment): Machine {
  const userId = process.getuid?.();
  return {
    home: homeOf(environment),
    superuser: userId === 0,
    ...(userId !== undefined && { userId }),
    ownsServiceState: statSync(SERVICE_STATE_DIRECTORY, { throwIfNoEntry: false })?.uid === userId,
    workingDirectory: process.cwd(),
    configurationFile: DEFAULT_CONFIGURATION_FILE,
  };
}

function homeOf(environment: Environment): string {
  const home = environment['HOME'] ?? '';
  return home === '' ? homedir() : home;
}
