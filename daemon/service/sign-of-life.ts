import { counted } from '../../core/text.ts';
import type { DaemonActivity } from './control-client.ts';
import type { ServiceManager } from '../systemd/service-manager.ts';

/** How often it is looked whether there is something new to tell. */
const STATUS_MS = 1000;

/**
 * Tells the service manager, as long as timers are called and so nothing is stuck, that the process lives, and what it does
 * whenever that has changed.
 *
 * @param text what it does; `undefined`: what was told last still holds
 * @returns ends it
 */
export function giveSignsOfLife(manager: ServiceManager, text: () => string | undefined): () => void {
  let told: string | undefined;
  const status = setInterval(() => {
    const current = text();
    if (current === undefined || current === told) return;
    manager.status(current);
    told = current;
  }, STATUS_MS);
  const { watchdogIntervalMs } = manager;
  const watchdog =
    watchdogIntervalMs === undefined ? undefined : setInterval(() => manager.alive(), watchdogIntervalMs);
  return () => {
    clearInterval(status);
    clearInterval(watchdog);
  };
}

/** One line for `systemctl status`. */
export function statusText({
  cycleSinceMs,
  repositories,
  databaseFailure,
  refusedReload,
}: Pick<DaemonActivity, 'cycleSinceMs' | 'repositories' | 'databaseFailure' | 'refusedReload'>): string {
  const sum = (count: (one: DaemonActivity['repositories'][number]) => number): number =>
    repositories.reduce((total, one) => total + count(one), 0);
  const parts: [what: string, images: number][] = [
    ['publishing', sum((one) => one.publishing.length)],
    ['fetching', sum((one) => one.preparing.length)],
    ['waiting:', sum((one) => one.waiting + one.ready)],
  ];
  const words = parts
    .filter(([, images]) => images > 0)
    .map(([what, images]) => `${what} ${counted(images, 'image')}`);
  if (cycleSinceMs !== undefined) words.unshift('looking at wishlists and registries');
  const troubles = [
    ...(databaseFailure === undefined ? [] : [`nothing is remembered: ${databaseFailure.message}`]),
    ...(refusedReload === undefined ? [] : ['a new configuration was refused']),
  ];
  return [words.join(', ') || 'nothing to do', ...troubles].join('; ');
}
