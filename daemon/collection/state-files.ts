import { join } from 'node:path';
import { counted, formatBytes } from '../../core/text.ts';
import { removeUnused, type RemovedFiles } from '../../core/system/unused-files.ts';
import { ListingStore } from '../../publisher/layer/listing-store.ts';
import { ManifestFiles } from '../../publisher/registry/manifest/manifest-cache.ts';
import type { Configuration } from '../configuration/options.ts';
import type { StateStore } from '../cycle/state-store.ts';

const DAY_MS = 86_400_000;
/** The caches save downloads and requests: what was not used for so long saves none. */
const KEPT_MS = 30 * DAY_MS;

/**
 * Removes from the state directory what nobody needs: listings of layers that no image in a known repository has, manifests
 * of references that nobody asks for, and what was left half written.
 *
 * @returns a line for people, where anything was removed
 */
export async function removeUnusedState(
  { state }: Pick<Configuration, 'state'>,
  store: StateStore,
  { nowMs, signal }: { readonly nowMs: number; readonly signal: AbortSignal },
): Promise<string | undefined> {
  const rule = { keptMs: KEPT_MS, nowMs, signal };
  const layers = await knownLayers(store);
  const removed = [await new ManifestFiles(join(state, 'manifests')).removeUnused(rule)];
  if (layers !== undefined) {
    const listings = new ListingStore(join(state, 'listings'));
    removed.push(await listings.removeUnused((layer) => layers.has(layer), rule));
  }
  for (const folder of [state, join(state, 'sources')])
    removed.push(await removeUnused(folder, { ...rule, mayGo: () => false }));
  return textOf(removed);
}

/** Layers of all images; `undefined` while there is a repository that nobody has looked into since the state was lost. */
async function knownLayers(store: StateStore): Promise<ReadonlySet<string> | undefined> {
  return await store.use<ReadonlySet<string> | undefined>(undefined, async ({ repositories, images }) => {
    const all = await repositories.all();
    return all.every(({ scannedMs }) => scannedMs !== undefined) ? await images.layers() : undefined;
  });
}

function textOf(removed: readonly RemovedFiles[]): string | undefined {
  const files = removed.reduce((sum, one) => sum + one.files, 0);
  const bytes = removed.reduce((sum, one) => sum + one.bytes, 0);
  if (files === 0) return undefined;
  return `removed ${counted(files, 'file')} (${formatBytes(bytes)}) from the state directory that nobody has used for 30 days`;
}
