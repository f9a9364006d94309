import { lstatSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY, type Site } from '../../support/e2e/site.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { snapshot, type Snapshot } from '../../support/trees/snapshot.ts';
import type { Target } from './hostile-case.ts';

/** In a directory of the tests' own, named like what images know, so that a path through it would really lead there. */
export async function makeTarget(): Promise<Target> {
  const path = join(await temporaryDirectory('target'), 'host');
  for (const folder of ['folder', 'empty', 'hosts-folder'])
    mkdirSync(join(path, folder), { recursive: true });
  for (const name of ['file', 'hosts', 'resolv.conf', 'folder/inner', '.cvmfscatalog'])
    writeFileSync(join(path, name), 'of the host');
  return { path, inImage: path.slice(1) };
}

/** Everything of this machine that must not change: what surrounds the repository, the target, and some of the system. */
export async function hostOf(site: Site, { path }: Target): Promise<Snapshot> {
  const top = site.fixture?.top ?? site.folder;
  const own = /(?:^|\/)(?:\.unpackd-[^/]*|spool|calls\.jsonl|srv|state|recipe-\d+\.yaml)$/;
  const isOwn = (at: string): boolean => own.test(at) || at.endsWith(`/${REPOSITORY}`);
  const found = new Map<string, string>();
  const folders = { [top]: isOwn, [path]: () => false };
  for (const [folder, ignore] of Object.entries(folders)) {
    const inside = await snapshot(folder, { ignore, directoryTimes: folder === path });
    for (const [at, line] of inside) {
      const { nlink } = lstatSync(Buffer.from(`${folder}/${at}`, 'latin1'));
      found.set(`${folder}/${at}`, line.startsWith('file') ? `${line} ${nlink}` : line);
    }
  }
  for (const system of [
    '/etc/passwd',
    '/etc/cron.d',
    '/etc/hosts',
    '/etc',
    '/escape',
    '/etc/cron.d/escape',
  ]) {
    const stats = lstatSync(system, { throwIfNoEntry: false });
    found.set(system, `${stats?.mode} ${stats?.uid} ${stats?.size} ${stats?.mtimeMs} ${stats?.nlink}`);
  }
  return found;
}
