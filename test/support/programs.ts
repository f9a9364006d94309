import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where `program` lies on the PATH, or `undefined`. `/usr/sbin` is looked at too: Debian keeps servers there. */
export function findProgram(program: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, program)).find(isExecutable);
}

/**
 * For a test that runs real programs: skips it where one is missing on a developer's machine, fails it in CI, where
 * none may be skipped.
 */
export function needs(context: Mocha.Context, ...programs: string[]): void {
  const missing = programs.filter((program) => findProgram(program) === undefined);
  if (missing.length === 0) return;
  if (process.env['CI'] !== undefined) throw new Error(`CI must install ${missing.join(', ')}`);
  context.skip();
}

/** Skips the rest of a test that needs root where the tests run as somebody else; fails it in CI. */
export function needsRoot(context: Mocha.Context): void {
  if (process.getuid?.() === 0) return;
  if (process.env['CI'] !== undefined) throw new Error('CI must run the tests as root');
  context.skip();
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
