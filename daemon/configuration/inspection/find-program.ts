import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { codeOf } from '../../../core/system-error.ts';
import type { Environment } from '../options.ts';

/** Where programs are looked for without PATH. @see execvp(3) */
const USUAL_PATH = '/bin:/usr/bin';

/** The path of a program as it is found when it is started from `/`; `undefined` where there is none to start. */
export function findProgram(command: string, environment: Environment): string | undefined {
  const folders = command.includes('/') ? [''] : (environment['PATH'] ?? USUAL_PATH).split(':');
  return folders.map((folder) => resolve('/', folder, command)).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return false;
  }
}
