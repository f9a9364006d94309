import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The environment variable with the root of a newer Debian, in which programs are installed. */
const NEWER_DEBIAN = 'NEWER_DEBIAN';

/** The root of a newer Debian that has `program`. Skips the test where there is none; fails it in CI. */
export function newerDebian(context: Mocha.Context, program: string): string {
  const root = process.env[NEWER_DEBIAN] ?? '';
  if (root !== '' && existsSync(join(root, 'usr/bin', program))) return root;
  if (process.env['CI'] !== undefined) throw new Error(`CI must set ${NEWER_DEBIAN}, with ${program} in it`);
  return context.skip();
}
