import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { takeCoverage } from 'node:v8';
import { useOwnEnvironment } from './environment.ts';

const folders: string[] = [];
const home = mkdtempSync(join(tmpdir(), 'unpackd-home-'));

/** A new empty directory that is removed when all tests of the file have run. */
export async function temporaryDirectory(name = 'test'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `unpackd-${name}-`));
  folders.push(folder);
  return folder;
}

useOwnEnvironment(home);
process.once('exit', () => remove(home));

export const mochaHooks = {
  beforeAll(): void {
    mkdirSync(home, { recursive: true });
  },
  afterAll(): void {
    for (const folder of [home, ...folders.splice(0)]) remove(folder);
    // A process that mocha runs files in is killed before it would write what it covered.
    takeCoverage();
  },
};

/** Removes a tree, also where its folders forbid it to others than root. */
export function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EACCES')) throw error;
    allowAll(folder);
    rmSync(folder, { recursive: true, force: true });
  }
}

function allowAll(folder: string): void {
  chmodSync(folder, 0o700);
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) allowAll(join(folder, entry.name));
}
