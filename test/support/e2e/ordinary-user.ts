import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, chownSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isOpen, needs, type Need } from '../programs.ts';
import { temporaryDirectory } from '../setup.ts';

/** Nobody's number: a user without any privilege, who owns what {@link OrdinaryUser.directory} gives. */
export const USER = 65_534;

/** Runs programs of this project as an ordinary user. */
export interface OrdinaryUser {
  /** Starts Node with the compiled file `script`, its path relative to the project's `dist`. */
  start(script: string, words: readonly string[], environment: NodeJS.ProcessEnv): ChildProcess;
  /** A new empty directory of that user. */
  directory(): Promise<string>;
}

/** The folder that holds the compiled files, and the one above it with the packages. */
const DIST = fileURLToPath(new URL('../../..', import.meta.url));
const PROJECT = dirname(DIST);

/** What {@link ordinaryUser} needs: root alone may become somebody else. */
export const ORDINARY_USER: readonly Need[] = [
  'root',
  'setpriv',
  'open-node',
  ...(isOpen(PROJECT) ? [] : ['mounts']),
];

/** @param context of the test, which is skipped where {@link ORDINARY_USER} is missing; a suite's hook has no need of it */
export async function ordinaryUser(context?: Mocha.Context): Promise<OrdinaryUser> {
  if (context !== undefined) needs(context, ...ORDINARY_USER);
  const entrance = isOpen(PROJECT) ? undefined : await opened(temporaryDirectory('project'));
  return {
    start: (script, words, environment) => {
      const node = [process.execPath, join(entrance ?? PROJECT, 'dist', script), ...words];
      const [program = '', ...rest] = throughEntrance(entrance, asUser(node));
      return spawn(program, rest, { cwd: '/', env: environment, stdio: ['pipe', 'pipe', 'pipe'] });
    },
    directory: async () => {
      const folder = await temporaryDirectory('user');
      chownSync(folder, USER, USER);
      return folder;
    },
  };
}

function asUser(command: readonly string[]): string[] {
  return ['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups', ...command];
}

/** A clone below root's home is closed to others: it is shown to them elsewhere, in a mount namespace of its own. */
function throughEntrance(entrance: string | undefined, command: readonly string[]): string[] {
  if (entrance === undefined) return [...command];
  const script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"';
  return ['unshare', '--mount', 'sh', '-c', script, 'sh', PROJECT, entrance, ...command];
}

async function opened(folder: Promise<string>): Promise<string> {
  chmodSync(await folder, 0o755);
  return await folder;
}
