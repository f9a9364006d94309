import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';

/** Processes that use something below `mount`: a remount waits for them. What may not be looked at is passed over. */
export function holdersOf(mount: string): string[] {
  const folder = quietly(() => realpathSync(mount), mount);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => pathsOf(pid).some((path) => path === folder || path.startsWith(`${folder}/`)))
    .map((pid) => `${nameOf(pid)} (process ${pid})`);
}

function pathsOf(pid: string): string[] {
  const links = [
    'cwd',
    'root',
    'exe',
    ...quietly(() => readdirSync(`/proc/${pid}/fd`), []).map((fd) => `fd/${fd}`),
  ];
  return links.map((link) => quietly(() => readlinkSync(`/proc/${pid}/${link}`), ''));
}

function nameOf(pid: string): string {
  return quietly(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim(), 'a process');
}

/** Processes come and go, and other users' may not be looked at. */
function quietly<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch {
    return otherwise;
  }
}
