import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
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
process.once('exit', () => rmSync(home, { recursive: true, force: true }));

export const mochaHooks = {
  beforeAll(): void {
    mkdirSync(home, { recursive: true });
  },
  afterAll(): void {
    for (const folder of [home, ...folders.splice(0)]) rmSync(folder, { recursive: true, force: true });
    // A process that mocha runs files in is killed before it would write what it covered.
    takeCoverage();
  },
};
