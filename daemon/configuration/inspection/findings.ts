import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { codeOf } from '../../../core/system-error.ts';
import { quoted } from '../../../core/text.ts';
import type { OptionValues } from '../option-values.ts';
import type { Configuration, Environment, OptionKey } from '../options.ts';
import type { SecretReference } from '../secret-reference.ts';
import type { Located } from '../value-types.ts';

/** A result of checking a configuration. */
export interface Finding {
  /** With an error unpackd would not run, or not do what is asked. */
  readonly severity: 'error' | 'warning';
  /** Position, problem, and what to do. */
  readonly message: string;
}

/** Collects findings. */
export class Findings {
  readonly all: Finding[] = [];

  error(message: string): void {
    this.all.push({ severity: 'error', message });
  }

  warn(message: string): void {
    this.all.push({ severity: 'warning', message });
  }

  /** Calls `read`, and makes errors of the problems that it reports. */
  async collect<Value>(read: (problems: string[]) => Promise<Value>): Promise<Value> {
    const problems: string[] = [];
    const value = await read(problems);
    for (const problem of problems) this.error(problem);
    return value;
  }
}

/** Shared by the checks of a configuration. */
export interface CheckContext {
  readonly configuration: Configuration;
  readonly options: OptionValues;
  readonly environment: Environment;
  readonly findings: Findings;
  /** Formats where an option was set, with its key. */
  readonly placeOf: (key: OptionKey) => string;
}

/** The file of a secret; `undefined` if it is not in one. */
export function fileOf(secret: Located<SecretReference> | undefined): Located<string> | undefined {
  if (secret?.value.kind !== 'file') return undefined;
  return { origin: secret.origin, value: secret.value.path };
}

/** Warns if every user of this machine may read or change a file with a secret. */
export function warnIfExposed(file: Located<string> | undefined, findings: Findings): void {
  if (file === undefined) return;
  const { origin, value } = file;
  // If there is no such file, that is reported elsewhere.
  const mode = ifReachable(() => statSync(value).mode);
  if (mode === undefined || (mode & 0o006) === 0) return;
  findings.warn(
    `${origin}: the file ${quoted(value)} with a secret is open to every user of this machine; take their rights away: chmod o=`,
  );
}

/** Calls `read`; `undefined` if the system refuses what it does. */
export function ifReachable<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return undefined;
  }
}

/** Default of PATH. @see execvp(3) */
const USUAL_PATH = '/bin:/usr/bin';

/** Looks up a program as it is found when started from `/`; `undefined` if there is none. */
export function findProgram(command: string, environment: Environment): string | undefined {
  const folders = command.includes('/') ? [''] : (environment['PATH'] ?? USUAL_PATH).split(':');
  return folders.map((folder) => resolve('/', folder, command)).find(isProgram);
}

function isProgram(path: string): boolean {
  const isFile = ifReachable(() => {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  });
  return isFile === true;
}
