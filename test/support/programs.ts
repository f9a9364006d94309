import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { PROJECT } from '../docs/project.ts';

/**
 * What a test may need of the machine: `root`; `mounts` and `user-namespaces`, a namespace of its own, which most containers refuse also to
 * root; `open-node`, a Node that every user can run; `newer-debian:PROGRAM` ({@link newerDebian}); `packaged-node`, the Node that packages
 * carry; `package-roots` ({@link packageRoots}); or a program on the PATH.
 */
export type Need = string;

/** Set where no test may be skipped for want of anything, as in CI: what is missing is a failure there. */
const NOTHING_SKIPPED = 'TEST_ALL';

/** As a bit, see capabilities(7). */
const CAP_SYS_ADMIN = 1n << 21n;

const NEWER_DEBIAN = /^newer-debian:(.+)$/;

/** Where `program` lies on the PATH, or `undefined`. `/usr/sbin` is looked at too: Debian keeps servers there. */
export function findProgram(program: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, program)).find(isExecutable);
}

/** The root of a newer Debian, in which programs are installed: NEWER_DEBIAN of the environment. */
export function newerDebian(): string {
  return process.env['NEWER_DEBIAN'] ?? '';
}

/** Roots of Debians without Node, in which the package is installed: TEST_PACKAGE_ROOTS of the environment, by colons. */
export function packageRoots(): string[] {
  return (process.env['TEST_PACKAGE_ROOTS'] ?? '').split(delimiter).filter((root) => root !== '');
}

/**
 * `describe` for a suite whose hooks need something: where that is missing, all its tests are skipped with their names and
 * none of its hooks runs, so that they may rely on each other.
 */
export function describeWith(
  needed: readonly Need[],
  title: string,
  suite: (this: Mocha.Suite) => void,
): void {
  const missing = needed.filter(isMissing);
  if (missing.length === 0) describe(title, suite);
  else if (!mayBeSkipped()) describe(title, () => it('has what it needs', () => refuse(missing)));
  else describe.skip(without(title, missing), suite);
}

/** Skips the rest of a test where something is missing that it needs. A hook cannot ask for it: {@link describeWith} does. */
export function needs(context: Mocha.Context, ...needed: readonly Need[]): void {
  if (isHook(context.test)) throw new Error('what a hook needs is said with describeWith');
  const missing = needed.filter(isMissing);
  if (missing.length === 0) return;
  if (!mayBeSkipped()) refuse(missing);
  skip(context, `without ${missing.join(', ')}`);
}

export function needsRoot(context: Mocha.Context): void {
  needs(context, 'root');
}

/** Skips the rest of a test, also in CI, for a reason that its name then has. */
export function skip(context: Mocha.Context, reason: string): never {
  const { test } = context;
  // After a hook that is skipped, others would run without what it makes.
  if (test === undefined || isHook(test)) throw new Error('a hook cannot be skipped');
  test.title = `${test.title} [${reason}]`;
  return context.skip();
}

/** Mocha's types do not tell. */
function isHook(runnable: object | undefined): boolean {
  return runnable !== undefined && 'type' in runnable && runnable.type === 'hook';
}

function isMissing(need: Need): boolean {
  if (need === 'root') return !isRoot();
  if (need === 'mounts') return spawnSync('unshare', ['--mount', 'true']).status !== 0;
  if (need === 'user-namespaces')
    return spawnSync('unshare', ['--user', '--map-root-user', 'true']).status !== 0;
  if (need === 'open-node') return !isOpen(process.execPath);
  if (need === 'packaged-node') return !existsSync(join(PROJECT, 'systemd/package/node_modules'));
  if (need === 'package-roots') return packageRoots().length === 0;
  const [, program] = NEWER_DEBIAN.exec(need) ?? [];
  if (program === undefined) return findProgram(need) === undefined;
  return newerDebian() === '' || !existsSync(join(newerDebian(), 'usr/bin', program));
}

/** Whether this process has all rights. Root in a container has not: it may not set `trusted.` attributes, for one. */
export function isRoot(): boolean {
  if (process.getuid?.() !== 0) return false;
  const [, rights = '0'] = /^CapEff:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return (BigInt(`0x${rights}`) & CAP_SYS_ADMIN) !== 0n;
}

/** Whether everybody may go to `path` and read it. */
export function isOpen(path: string): boolean {
  accessSync(path, constants.R_OK);
  for (let folder = path; folder !== '/'; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o005) !== 0o005) return false;
  }
  return true;
}

function mayBeSkipped(): boolean {
  return process.env[NOTHING_SKIPPED] === undefined;
}

function without(title: string, missing: readonly Need[]): string {
  return `${title} [without ${missing.join(', ')}]`;
}

function refuse(missing: readonly Need[]): never {
  throw new Error(`${NOTHING_SKIPPED} is set: ${missing.join(', ')} must be there`);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
